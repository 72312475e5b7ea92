"""Due work: the sweep, one due account, the outbox, and replanning after a policy change."""
