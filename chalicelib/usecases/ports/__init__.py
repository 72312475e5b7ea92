"""Protocols that the use cases call. Adapters and fakes implement them."""
