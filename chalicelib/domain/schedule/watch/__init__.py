"""What needs a person: the conditions, which of them are open, and when the operator is told."""
