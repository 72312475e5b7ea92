"""Texts as people read them: no word of a customer's or of a payload controls what shows it."""

import json
import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of letters that control a terminal, change the direction of what stands beside them,
or are no letters at all.
"""

_JOINERS = frozenset("\u200c\u200d")
"""Persian words and emojis are written with them; they move nothing."""


def visible(text: str, kept: str = "\n\t") -> str:
    """The text, with each letter that could control a terminal as JSON writes it, such as \\u001b:
    so what was JSON stays the same JSON. Those in `kept` stay.
    """
    if text.translate({ord(letter): None for letter in kept}).isprintable():
        return text
    return "".join(
        json.dumps(letter)[1:-1]
        if unicodedata.category(letter) in _UNSEEN and letter not in _JOINERS and letter not in kept
        else letter
        for letter in text
    )
