"""What operators do and see: sign-in to the dashboard, its lists, and the log of every change."""
