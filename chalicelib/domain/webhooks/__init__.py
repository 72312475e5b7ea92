"""Outgoing webhooks: endpoints, deliveries of events to them, and when each is tried."""
