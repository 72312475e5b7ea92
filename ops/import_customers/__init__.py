"""Import of customers that Stripe had before Billhook."""
