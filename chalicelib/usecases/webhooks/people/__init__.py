"""Tell the people system what the accounts are and what happened to them."""
