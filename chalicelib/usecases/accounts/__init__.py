"""Signup, links, personal data, erasure and API keys."""
