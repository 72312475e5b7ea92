"""The account: its state, the facts that change it, and queries on it. Imports policy and
stripe_objects; every subject above it imports this package.
"""
