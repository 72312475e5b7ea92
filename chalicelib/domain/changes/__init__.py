"""What a new version of an account tells: domain events, plan changes, timeline entries."""
