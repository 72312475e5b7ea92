"""Dead letters: what is in them, and how they are sent back to the queue that they came from."""
