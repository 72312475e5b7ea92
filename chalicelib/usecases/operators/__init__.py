"""What operators do, and the log of it."""
