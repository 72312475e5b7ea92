"""A deployed stage: its parameters, secrets, tables and services."""
