"""The holdout: the accounts that do not get a message, to measure its effect."""

import hashlib

from chalicelib.domain.policy.sequences import Step

LARGEST_SHARE = 0.5
"""The largest share of accounts that a step may hold out. With more, too few accounts get the
message to compare the two groups.
"""


def is_held_out(account_id: str, step: Step) -> bool:
    """Whether the account is held out of this step. The draw is by account and step, and so is the
    same for every occasion.

    If it changed with the occasion, an account that did not get one reminder but got the next would
    count in both groups. A larger share holds out the accounts of a smaller one, and more.
    """
    if not step.hold_out:
        return False
    draw = hashlib.sha256(f"{step.id} {account_id}".encode()).digest()
    return int.from_bytes(draw[:8], "big") < step.hold_out * 2**64
