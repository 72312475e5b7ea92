"""Which messages are due for an account, under which conditions, and their variables."""
