"""Reads Stripe's long lists, a hundred objects a call."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from chalicelib.domain.errors import Refused
from chalicelib.domain.stripe_objects.answers import ListEntry
from chalicelib.domain.stripe_objects.pagination import ListCursor, Page
from chalicelib.stripe_api import answers
from chalicelib.stripe_api.fields import moment
from chalicelib.stripe_api.transport import Raw, StripeTransport

PAGE_SIZE = 100
EXPANDED = ["data.customer", "data.latest_invoice"]

T = TypeVar("T")


class StripeListing:
    """Implements ListingApi (usecases/ports/stripe.py)."""

    def __init__(self, transport: StripeTransport) -> None:
        self._transport = transport

    def undelivered_events(
        self, types: Sequence[str], since: datetime, place: ListCursor | None
    ) -> Page[str]:
        """See ListingApi."""
        return self._page(
            "/v1/events",
            answers.event_body,
            place,
            {"gte": _second(since)},
            delivery_success=False,
            types=list(types),
        )

    def live_subscriptions(self, place: ListCursor | None) -> Page[ListEntry]:
        """See ListingApi."""
        return self._page("/v1/subscriptions", answers.list_entry, place, {}, expand=EXPANDED)

    def ended_subscriptions(self, since: datetime, place: ListCursor | None) -> Page[ListEntry]:
        """See ListingApi."""
        return self._page(
            "/v1/subscriptions",
            answers.list_entry,
            place,
            {"gte": _second(since)},
            status="ended",
            expand=EXPANDED,
        )

    def _page(
        self,
        path: str,
        read: Callable[[Raw], T],
        place: ListCursor | None,
        created: Mapping[str, int],
        **parameters: Any,
    ) -> Page[T]:
        try:
            page = self._get(
                path, created, parameters | ({"starting_after": place.id} if place else {})
            )
        except Refused:
            if place is None:
                raise
            # The object behind which the list continues may have left it meanwhile (an event was
            # delivered, a subscription ended). Its second of creation still finds the place.
            page = self._get(path, {**created, "lte": _second(place.created)}, parameters)
        found = page["data"]
        return Page(
            [read(raw) for raw in found],
            ListCursor(str(found[-1]["id"]), moment(found[-1], "created"))
            if page["has_more"] and found
            else None,
        )

    def _get(self, path: str, created: Mapping[str, int], parameters: Mapping[str, Any]) -> Raw:
        page = self._transport.get(
            path, limit=PAGE_SIZE, **({"created": created} if created else {}), **parameters
        )
        if page is None:
            raise Refused(f"Stripe does not know {path}.")
        return page


def _second(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp())
