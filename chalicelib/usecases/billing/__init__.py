"""Actions on money: checkout, plan changes, cancellation, charges and refunds."""
