"""Checks of a deployed stage, each with its cure."""
