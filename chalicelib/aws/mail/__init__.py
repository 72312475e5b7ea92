"""SES, the claims of messages, and the suppression list."""
