"""Instances of the product: what each account is to have, and what to ask of the provisioner next.

Imports the account and access.
"""
