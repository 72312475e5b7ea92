"""Products, prices, portal and webhook at Stripe, compared with billing.toml and changed."""
