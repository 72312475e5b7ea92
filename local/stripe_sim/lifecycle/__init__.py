"""Customers and subscriptions of the simulated Stripe over time."""
