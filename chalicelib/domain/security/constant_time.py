"""How secrets are compared: here, and nowhere else, so that no answer tells by its time how much of
a guess was right.
"""

import hmac


def same_secret(one: str, other: str) -> bool:
    """Whether two texts are the same, in a time that does not hang on where they differ."""
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))
