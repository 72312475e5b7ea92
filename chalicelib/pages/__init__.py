"""The customer's pages: their texts, values and HTML. Imports the domain only."""
