"""From a Stripe event to a saved account."""
