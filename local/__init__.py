"""The whole system on loopback, for development and tests."""
