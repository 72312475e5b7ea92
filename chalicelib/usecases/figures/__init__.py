"""Keep the figures of revenue and trials, read them, and count them again from the accounts."""
