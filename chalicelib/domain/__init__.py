"""Every decision as pure functions of values: no I/O, no clock, no SDK. Imports the standard
library only.
"""
