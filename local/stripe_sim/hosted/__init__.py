"""Checkout and portal pages of the simulated Stripe."""
