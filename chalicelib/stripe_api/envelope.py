"""The envelope in which Amazon EventBridge delivers an event of Stripe's: `source` names Stripe's
partner event source, `detail` is the event (docs.stripe.com/event-destinations/eventbridge).

There is no signature: AWS lets nobody but Stripe put events under its name. EventBridge writes the
JSON anew, so nothing may depend on the bytes of `detail`.
"""

from typing import Any

from chalicelib.domain.errors import Unreadable

PARTNER = "aws.partner/stripe.com/"
"""How the name of each of Stripe's partner event sources begins; the id of the event destination
follows.
"""


OWN_FIELDS = frozenset({"detail", "detail-type"})
"""Fields of every envelope, which no event of Stripe's has."""


def opened(raw: Any) -> Any:
    """The event in an envelope; whatever else as it is. Raises Unreadable for an envelope that is
    not Stripe's, or has no event in it.
    """
    if not isinstance(raw, dict) or OWN_FIELDS.isdisjoint(raw):
        return raw
    source = raw.get("source")
    if not (isinstance(source, str) and source.startswith(PARTNER)):
        raise Unreadable("The event came by EventBridge, and not from Stripe.", "source")
    if not isinstance(raw.get("detail"), dict):
        raise Unreadable("The event came by EventBridge, and its detail is no object.", "detail")
    return raw["detail"]
