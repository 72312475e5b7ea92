"""Calls to systems outside: which addresses may be called, signatures, and answers."""
