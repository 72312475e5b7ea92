"""The simulated Stripe's HTTP API: routes, parameters, errors and idempotency."""
