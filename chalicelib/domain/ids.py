"""The form of an account's id, whether Billhook or the product chose it, and of the product's own
id of a customer.
"""

import re

ACCOUNT_ID = r"[A-Za-z0-9_-]{1,64}"
"""Without a dot: a domain event's id begins with the account's, and a dot ends that."""


LONGEST_EXTERNAL_ID = 128
"""Characters of the product's id of a customer."""


def well_formed(id: str | None) -> bool:
    """Whether `id` can be the id of an account. No e-mail address can."""
    return id is not None and bool(re.fullmatch(ACCOUNT_ID, id))


def may_be_external(id: str) -> bool:
    """Whether `id` can be the product's id of a customer. Others can be no key in the table, which
    takes neither longer ones nor unpaired surrogates.
    """
    is_text = not any("\ud800" <= letter <= "\udfff" for letter in id)
    return is_text and 1 <= len(id) <= LONGEST_EXTERNAL_ID
