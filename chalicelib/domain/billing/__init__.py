"""Rules of the actions on money. Imports account, access and policy."""
