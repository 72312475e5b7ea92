"""Calls that change something at Stripe, and their messages."""
