"""The soak: many customers live for sixty days while Stripe's events are lost, doubled and late and
workers are killed; all ends as Stripe has it.
"""
