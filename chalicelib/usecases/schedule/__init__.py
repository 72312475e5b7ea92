"""Work that is due: the sweep, one due account, the outbox, and planning anew after a policy
change.
"""
