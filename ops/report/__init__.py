"""Counts of what messages achieved."""
