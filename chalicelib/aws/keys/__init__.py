"""API keys and the secrets of a stage."""
