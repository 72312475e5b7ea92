"""Stripe's long lists, a hundred objects a call."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Protocol

from chalicelib.domain.comparison import Listed
from chalicelib.domain.errors import Refused, Unreadable
from chalicelib.domain.listing import Page, Place
from chalicelib.stripe_api import objects
from chalicelib.stripe_api.calling import Raw, StripeCaller

A_CALL = 100


class Lists(Protocol):
    """Pages of Stripe's lists, the newest first, from `place` on. Raises Unavailable where Stripe
    gives no answer now, Refused where it will not.
    """

    def undelivered(self, types: Sequence[str], since: datetime, place: Place | None) -> Page:
        """Events of these types, made since then, that not every endpoint has taken
        (docs.stripe.com/webhooks/process-undelivered-events).
        """

    def living(self, place: Place | None) -> Page:
        """All subscriptions that have not ended, each with its customer and its latest invoice."""

    def ended(self, since: datetime, place: Place | None) -> Page:
        """Subscriptions that were made since then and have ended, each with its customer and its
        latest invoice.
        """


class StripeLists:
    """Stripe's API by its SDK."""

    def __init__(self, caller: StripeCaller) -> None:
        self._caller = caller

    def undelivered(self, types: Sequence[str], since: datetime, place: Place | None) -> Page:
        """See Lists."""
        return self._page(
            "/v1/events", place, {"gte": _second(since)}, delivery_success=False, types=list(types)
        )

    def living(self, place: Place | None) -> Page:
        """See Lists."""
        return self._page(
            "/v1/subscriptions", place, {}, expand=["data.customer", "data.latest_invoice"]
        )

    def ended(self, since: datetime, place: Place | None) -> Page:
        """See Lists."""
        return self._page(
            "/v1/subscriptions",
            place,
            {"gte": _second(since)},
            status="ended",
            expand=["data.customer", "data.latest_invoice"],
        )

    def _page(
        self, path: str, place: Place | None, created: Mapping[str, int], **parameters: Any
    ) -> Page:
        try:
            page = self._asked(
                path, created, parameters | ({"starting_after": place.id} if place else {})
            )
        except Refused:
            if place is None:
                raise
            # What the list went on behind may have left it meanwhile (an event taken, a
            # subscription ended); its second has not.
            page = self._asked(path, {**created, "lte": _second(place.created)}, parameters)
        things = page["data"]
        return Page(
            things,
            Place(str(things[-1]["id"]), objects.moment(things[-1], "created"))
            if page["has_more"] and things
            else None,
        )

    def _asked(self, path: str, created: Mapping[str, int], parameters: Mapping[str, Any]) -> Raw:
        page = self._caller.get(
            path, limit=A_CALL, **({"created": created} if created else {}), **parameters
        )
        if page is None:
            raise Refused(f"Stripe knows of no {path}.")
        return page


def listed(raw: Raw) -> Listed | None:
    """A subscription of a list; None if its shape is not known. So may its customer and its invoice
    be: then they are not compared.
    """
    with suppress(*_UNKNOWN_SHAPE):
        customer, invoice = raw.get("customer"), raw.get("latest_invoice")
        return Listed(
            objects.subscription(raw),
            objects.customer(customer) if isinstance(customer, Mapping) else None,
            objects.invoice(invoice) if isinstance(invoice, Mapping) else None,
        )
    return None


_UNKNOWN_SHAPE = (Unreadable, KeyError, TypeError, AttributeError, ValueError, RecursionError)


def _second(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp())
