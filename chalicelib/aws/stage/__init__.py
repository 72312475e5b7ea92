"""How a stage does: what AWS counts of it, its queues, and its dead letters."""
