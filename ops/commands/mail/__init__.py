"""The commands about mail."""
