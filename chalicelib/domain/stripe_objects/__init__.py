"""Stripe's objects as values. Imports nothing else of the domain but errors."""
