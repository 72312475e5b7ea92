"""The form of an account's id, whether Billhook or the product chose it."""

import re

ACCOUNT_ID = r"[A-Za-z0-9_-]{1,64}"
"""Without a dot: a domain event's id begins with the account's, and a dot ends that."""


def well_formed(id: str | None) -> bool:
    """Whether `id` can be the id of an account. No e-mail address can."""
    return id is not None and bool(re.fullmatch(ACCOUNT_ID, id))
