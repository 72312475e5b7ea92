"""Who does not get a message, so that it can be told whether it does any good."""

import hashlib

from chalicelib.domain.policy.sequences import Step

MOST = 0.5
"""The greatest share that may be held out: of a message that most do not get, little can be learnt
and much is lost.
"""


def is_held_out(account_id: str, step: Step) -> bool:
    """Whether the account is among those who do not get this step: always or never, whatever the
    occasion, and by each step's own lot.

    An account of whom one reminder was held out would else, reminded the next time, count on both
    sides. A share that is raised holds out those of before, and more.
    """
    if not step.hold_out:
        return False
    lot = hashlib.sha256(f"{step.id} {account_id}".encode()).digest()
    return int.from_bytes(lot[:8], "big") < step.hold_out * 2**64
