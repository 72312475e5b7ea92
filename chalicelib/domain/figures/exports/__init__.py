"""What a nightly export writes: its tables, their rows, and the files they are in."""
