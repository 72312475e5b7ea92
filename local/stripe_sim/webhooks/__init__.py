"""Delivery of the simulated Stripe's events, and faults of delivery."""
