"""The soak test: many customers live for sixty days while Stripe's events are lost, duplicated
and late, and workers are killed. At the end everything must be as at Stripe.
"""
