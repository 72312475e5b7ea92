"""Settings, clock, telemetry and signed links, and the wiring of real adapters to the use cases."""
