"""API keys, signed links and the comparison of secrets. Imports errors alone."""
