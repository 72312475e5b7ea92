"""What an account may use, by account, policy and time."""
