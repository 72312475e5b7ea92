"""Instances of the product: calls to the provisioner, its reports, and operators' orders."""
