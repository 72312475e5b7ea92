"""The account: its state, the facts that change it, and questions about it. Imports policy and
stripe_objects; the rest of the domain imports this package.
"""
