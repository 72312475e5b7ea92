"""The form of an account's id, whether Billhook or the product chose it."""

import re

_ACCOUNT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def well_formed(id: str | None) -> bool:
    """Whether `id` can be the id of an account. No e-mail address can."""
    return id is not None and bool(_ACCOUNT_ID.fullmatch(id))
