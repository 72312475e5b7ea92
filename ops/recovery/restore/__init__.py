"""Restoring a table to a point in time."""
