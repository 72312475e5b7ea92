"""The signup form, the sign-in form, and the visitor's request."""
