"""Outgoing webhooks: managing endpoints, delivering events to them, and delivering them again."""
