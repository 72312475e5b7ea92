"""What the dashboard shows of the messages that a customer was sent."""

from collections.abc import Sequence
from typing import Any

from chalicelib.domain.messaging.past_messages import STATES, PastMessage
from chalicelib.pages.admin.rendering import HEADERS

WITH_FRAME = {
    "Content-Security-Policy": HEADERS["Content-Security-Policy"].replace(
        "img-src", "frame-src 'self'; img-src"
    )
}
"""The policy of a page with a message in a frame."""

IN_FRAME = HEADERS | {
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
}
"""The headers of the message in the frame. Mails carry their style within, and the policy allows
nothing else: no script, no picture of another host, no form, and no way out of the frame.
"""

LANGUAGE_NAMES = {"en": "English", "de": "German"}
"""Language code → its name on the dashboard, which is in English."""

GOOD = frozenset({"delivered", "sent"})
BAD = frozenset({"complained", "bounced", "rejected", "not_rendered", "refused"})


def mails_view(messages: Sequence[PastMessage]) -> list[dict[str, Any]]:
    """Each message as a row."""
    return [mail_view(one) for one in messages]


def language_name(code: str) -> str:
    """A language in words; one without a name here as its code."""
    return LANGUAGE_NAMES.get(code, code)


def mail_view(message: PastMessage) -> dict[str, Any]:
    """A message with its state in words, and what SES reported of it."""
    is_bad, is_good = message.state in BAD, message.state in GOOD
    return {
        "message": message,
        "kind": message.key.partition("@")[0],
        "state": message.state.replace("_", " "),
        "means": STATES.get(message.state, ""),
        "badge": "none" if is_bad else "full" if is_good else "limited",
        "reports": [
            {
                "at": entry.at,
                "what": entry.type.removeprefix("mail.").replace("_", " "),
                "details": ", ".join(
                    str(value)
                    for name, value in sorted((entry.data or {}).items())
                    if name not in {"message", "ses_id", "stream"}
                ),
            }
            for entry in message.entries
        ],
    }
