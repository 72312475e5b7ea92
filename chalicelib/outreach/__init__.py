"""Renders messages from compiled templates. Imports the domain only."""
