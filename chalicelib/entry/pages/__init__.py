"""The customer's own pages: billing, cancellation, plan changes and links from mails."""
