"""Stripe's lists by its SDK, with a server on loopback that gives the answers of each test."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.errors import Refused, Unavailable
from chalicelib.domain.reconciliation.backfill import GROUPS
from chalicelib.domain.stripe_objects.pagination import ListCursor, Page
from chalicelib.stripe_api.listing import StripeListing
from chalicelib.stripe_api.transport import StripeTransport
from tests.adapters.stripe_api.test_reader import (
    TRUTH,
    Replies,
    replies,  # noqa: F401 - the fixture
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND = str(int(NOW.timestamp()))
PLACE = ListCursor("evt_9", NOW)
GONE = (
    400,
    {
        "error": {
            "type": "invalid_request_error",
            "code": "resource_missing",
            "param": "starting_after",
            "message": "No such event",
        }
    },
)


def page(*ids: str, more: bool = False) -> tuple[int, Any]:
    return 200, {
        "object": "list",
        "has_more": more,
        "data": [
            {"id": id, "created": int(NOW.timestamp()) + place} for place, id in enumerate(ids)
        ],
    }


@pytest.fixture
def listing(replies: Replies) -> StripeListing:
    return StripeListing(StripeTransport(lambda: "sk_test_1", replies.base))


def test_undelivered_events_are_asked_for_by_type_and_age(
    listing: StripeListing,
    replies: Replies,
) -> None:
    replies.by_path["/v1/events"] = [page("evt_2", "evt_1", more=True)]
    found = listing.undelivered_events(GROUPS[0], NOW, None)
    assert [json.loads(body)["id"] for body in found.entries] == ["evt_2", "evt_1"]
    assert found.next_page == ListCursor("evt_1", datetime.fromtimestamp(NOW.timestamp() + 1, UTC))
    (_, query, _) = replies.requests[0]
    types = [value for name, (value,) in query.items() if name.startswith("types")]
    assert sorted(types) == sorted(GROUPS[0])
    assert {name: value for name, (value,) in query.items() if not name.startswith("types")} == {
        "delivery_success": "false",
        "limit": "100",
        "created[gte]": SECOND,
    }


def test_the_next_page_begins_behind_the_last_and_the_end_is_none(
    listing: StripeListing,
    replies: Replies,
) -> None:
    replies.by_path["/v1/events"] = [page("evt_1")]
    assert listing.undelivered_events(GROUPS[0], NOW, PLACE).next_page is None
    assert replies.requests[0][1]["starting_after"] == ["evt_9"]
    replies.by_path["/v1/events"] = [page()]
    assert listing.undelivered_events(GROUPS[0], NOW, None) == Page([])


def test_a_place_that_has_left_the_list_is_found_again_by_its_second(
    listing: StripeListing,
    replies: Replies,
) -> None:
    """An event may be delivered, a subscription end, while the list is read."""
    replies.by_path["/v1/events"] = [GONE, page("evt_9", "evt_8")]
    assert len(listing.undelivered_events(GROUPS[0], NOW, PLACE).entries) == 2
    again = replies.requests[-1][1]
    assert (again["created[lte]"], again["created[gte]"], "starting_after" in again) == (
        [SECOND],
        [SECOND],
        False,
    )
    replies.by_path["/v1/subscriptions"] = [GONE, page()]
    assert listing.live_subscriptions(PLACE).entries == []


def test_a_key_without_permission_for_a_list_is_refused(
    listing: StripeListing, replies: Replies
) -> None:
    replies.by_path["/v1/events"] = [
        (403, {"error": {"type": "invalid_request_error", "message": "no"}})
    ]
    for place in (None, PLACE):
        with pytest.raises(Refused):
            listing.undelivered_events(GROUPS[0], NOW, place)
    replies.by_path["/v1/subscriptions"] = [
        (
            429,
            {
                "error": {
                    "type": "invalid_request_error",
                    "code": "rate_limit",
                    "message": "slow down",
                }
            },
        )
    ]
    with pytest.raises(Unavailable):
        listing.live_subscriptions(None)


def test_subscriptions_come_with_their_customer_and_their_latest_invoice(
    listing: StripeListing,
    replies: Replies,
) -> None:
    raw = next(iter(TRUTH.subscriptions.values()))
    whole = raw | {
        "customer": TRUTH.customers[raw["customer"]],
        "latest_invoice": TRUTH.invoices[raw["latest_invoice"]],
    }
    replies.by_path["/v1/subscriptions"] = [
        (200, {"object": "list", "has_more": False, "data": [whole]})
    ]
    (entry,) = listing.live_subscriptions(None).entries
    one = entry.listed
    assert one
    assert one.customer
    assert one.invoice
    assert (one.customer.id, one.invoice.id, one.subscription.customer) == (
        raw["customer"],
        raw["latest_invoice"],
        raw["customer"],
    )
    listing.ended_subscriptions(NOW, None)
    (_, living, _), (_, ended, _) = replies.requests
    expanded = sorted(value for name, (value,) in living.items() if name.startswith("expand"))
    assert expanded == ["data.customer", "data.latest_invoice"]
    assert "status" not in living
    assert (ended["status"], ended["created[gte]"]) == (["ended"], [SECOND])
