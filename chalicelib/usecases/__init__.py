"""One verb a function: load, decide with the domain, save, and call the outside through ports.
Imports the domain and pure translation only; `runtime` passes in the adapters.
"""
