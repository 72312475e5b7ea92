"""API keys, signed links and comparison of secrets in constant time."""
