"""The daily comparison with Stripe, and events that Stripe could not deliver."""
