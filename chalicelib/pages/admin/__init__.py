"""The HTML of the operators' dashboard."""
