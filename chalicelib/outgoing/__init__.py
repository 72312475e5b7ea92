"""Calls to systems that somebody names by URL, guarded against reaching anything private."""
