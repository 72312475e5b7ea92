"""What happened to accounts: their timelines, and the feed of domain events."""
