"""State and rules of jobs over all accounts: comparison with Stripe, backfill of events,
replanning.
"""
