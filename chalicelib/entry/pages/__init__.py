"""The customer's pages: billing, cancellation, plan changes, and links in mail."""
