"""Everything that AWS calls: the HTTP API, the customer's pages and the event triggers. Each
function parses its input, calls one use case and formats the result. Only app.py imports this
package.
"""
