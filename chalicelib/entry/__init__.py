"""What AWS calls: the HTTP API, the customer's pages and the event triggers. Each function parses
its input, calls one use case and presents the result. Nothing imports this package but app.py.
"""
