"""The same recorded events through Billhook, dj-stripe and Stripe's sync engine, side by side."""
