"""The rules by which facts change an account."""
