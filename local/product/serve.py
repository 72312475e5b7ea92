"""The process of the example product: `python -m local.product.serve SOCKET AHEAD`, two files that
the system has opened. The first is the socket of its port, the second says how many seconds the
system's clock is ahead.
"""

import os
import socket
import struct
import sys
import time
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "product"


def main(listening: int, ahead: int) -> None:
    """Serve until the process ends."""
    sys.path.insert(0, str(EXAMPLE))
    from product import Product, server  # type: ignore[import-not-found]
    from workspaces import Workspaces  # type: ignore[import-not-found]

    def clock() -> float:
        seconds: float = struct.unpack("d", os.pread(ahead, 8, 0))[0]
        return time.time() + seconds

    product = Product(
        os.environ["PRODUCT_URL"],
        os.environ["BILLHOOK_URL"],
        os.environ["BILLHOOK_KEY"],
        os.environ["INSTANCE_SECRET"],
        Workspaces(),
        clock,
    )
    taken = socket.socket(fileno=listening)
    serving = server(product, None)
    serving.socket.close()
    serving.socket = taken
    serving.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
