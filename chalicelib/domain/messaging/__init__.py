"""Which messages are due for an account, under which conditions, and what stands in them."""
