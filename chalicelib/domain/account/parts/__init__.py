"""What an account holds: its signup, invoices, Checkout, instance, and what the figures keep."""
