"""One message to many accounts, once."""
