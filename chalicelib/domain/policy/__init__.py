"""billing.toml as values, and how it is read and checked. Imports stripe_objects and errors."""
