"""Sending messages to customers and the team, and feedback on their delivery."""
