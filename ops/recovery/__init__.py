"""Dead letters, replays and restores."""
