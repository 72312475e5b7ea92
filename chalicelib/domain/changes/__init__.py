"""What a new version of an account causes: domain events, plan changes, timeline entries."""
