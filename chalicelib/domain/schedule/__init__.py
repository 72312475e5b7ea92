"""When an account is due next, and what its next version is. Imports messaging and changes."""
