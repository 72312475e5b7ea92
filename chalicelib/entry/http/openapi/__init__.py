"""The description of the API, and the route that serves it."""
