"""The rules of actions on money. Imports account, access and policy."""
