"""A simulated Stripe for development and tests: what it does as Stripe does, and what otherwise, is
told in docs/stripe-sim.md.
"""
