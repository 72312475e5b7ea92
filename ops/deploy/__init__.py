"""Deployment of a package to a stage, and a smoke test of it."""
