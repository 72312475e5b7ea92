"""Building the messages, and broadcasts."""
