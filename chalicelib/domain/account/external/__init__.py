"""What an account has elsewhere: its Checkout at Stripe, and its instance of the product."""
