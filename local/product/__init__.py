"""The example product (examples/product), as a part of the running system."""
