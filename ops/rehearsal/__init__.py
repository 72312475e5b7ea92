"""Who would get which message when, under a policy: nothing is sent."""
