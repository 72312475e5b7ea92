"""Intercom on this machine: as strict as the real one, with a page that shows what it holds."""
