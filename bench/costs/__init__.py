"""Counts AWS calls of typical months and prices them."""
