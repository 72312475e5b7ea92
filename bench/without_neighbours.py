"""What a measurement of the local system leaves out."""

import os


def leave_out_neighbours() -> None:
    """Have a system that this process starts use the simulated Stripe, whatever the shell is set
    to, and run without the example product: what is measured is Billhook.
    """
    for name in [name for name in os.environ if name.startswith("STRIPE_")]:
        del os.environ[name]
    os.environ["PRODUCT"] = "none"
