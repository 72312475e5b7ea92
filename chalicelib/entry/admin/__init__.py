"""The operators' dashboard: who may open it, its pages and its actions."""
