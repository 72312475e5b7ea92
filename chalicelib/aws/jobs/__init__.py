"""Where jobs that run in steps are, and what is open at a stage."""
