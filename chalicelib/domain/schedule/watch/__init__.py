"""What needs a person: the conditions, which are open, and when the operator gets a mail."""
