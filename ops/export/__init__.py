"""Export of all data."""
