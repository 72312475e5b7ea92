"""Figures: revenue by day, trials by week, and what the accounts contribute to them."""
