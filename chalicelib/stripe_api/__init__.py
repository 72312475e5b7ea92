"""Stripe's API: calls, and translation of its JSON into domain values. Imports the domain only."""
