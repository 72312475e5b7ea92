"""Measurements. Nothing else imports this package but its tests."""
