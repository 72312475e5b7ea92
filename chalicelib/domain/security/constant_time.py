"""Comparison of secrets in constant time, so that the time of a response does not reveal how much
of a guess was right. Nothing else compares secrets.
"""

import hmac


def same_secret(one: str, other: str) -> bool:
    """Whether two texts are the same, in a time that does not depend on where they differ."""
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))
