"""Puts real adapters into the use cases: settings, clock, telemetry and wiring."""
