"""Stripe events from Stripe or from the timeline, ingested again."""
