"""Reads Stripe's long lists, a hundred objects a call."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.errors import Refused, Unreadable
from chalicelib.domain.reconciliation.comparison import ListedSubscription
from chalicelib.domain.stripe_objects.pagination import ListCursor, Page
from chalicelib.stripe_api import objects
from chalicelib.stripe_api.transport import Raw, StripeTransport

A_CALL = 100


class StripeListing:
    """Implements ListingApi (usecases/ports.py)."""

    def __init__(self, transport: StripeTransport) -> None:
        self._transport = transport

    def undelivered_events(
        self, types: Sequence[str], since: datetime, place: ListCursor | None
    ) -> Page:
        """See ListingApi."""
        return self._page(
            "/v1/events", place, {"gte": _second(since)}, delivery_success=False, types=list(types)
        )

    def live_subscriptions(self, place: ListCursor | None) -> Page:
        """See ListingApi."""
        return self._page(
            "/v1/subscriptions", place, {}, expand=["data.customer", "data.latest_invoice"]
        )

    def ended_subscriptions(self, since: datetime, place: ListCursor | None) -> Page:
        """See ListingApi."""
        return self._page(
            "/v1/subscriptions",
            place,
            {"gte": _second(since)},
            status="ended",
            expand=["data.customer", "data.latest_invoice"],
        )

    def _page(
        self, path: str, place: ListCursor | None, created: Mapping[str, int], **parameters: Any
    ) -> Page:
        try:
            page = self._asked(
                path, created, parameters | ({"starting_after": place.id} if place else {})
            )
        except Refused:
            if place is None:
                raise
            # The object behind which the list continues may have left it meanwhile (an event was
            # delivered, a subscription ended). Its second of creation still finds the place.
            page = self._asked(path, {**created, "lte": _second(place.created)}, parameters)
        things = page["data"]
        return Page(
            things,
            ListCursor(str(things[-1]["id"]), objects.moment(things[-1], "created"))
            if page["has_more"] and things
            else None,
        )

    def _asked(self, path: str, created: Mapping[str, int], parameters: Mapping[str, Any]) -> Raw:
        page = self._transport.get(
            path, limit=A_CALL, **({"created": created} if created else {}), **parameters
        )
        if page is None:
            raise Refused(f"Stripe knows of no {path}.")
        return page


def listed(raw: Raw) -> ListedSubscription | None:
    """A subscription of a list; None if this release cannot read it. Its customer and its invoice
    are None where the list holds only their ids.
    """
    with suppress(*_UNKNOWN_SHAPE):
        customer, invoice = raw.get("customer"), raw.get("latest_invoice")
        return ListedSubscription(
            objects.subscription(raw),
            objects.customer(customer) if isinstance(customer, Mapping) else None,
            objects.invoice(invoice) if isinstance(invoice, Mapping) else None,
        )
    return None


_UNKNOWN_SHAPE = (Unreadable, KeyError, TypeError, AttributeError, ValueError, RecursionError)


def _second(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp())
