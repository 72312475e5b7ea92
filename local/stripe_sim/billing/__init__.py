"""Invoices, prices, proration, discounts and payments of the simulated Stripe."""
