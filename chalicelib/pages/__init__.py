"""Rendering of the customer's pages. Imports the domain only."""
