"""An event in EventBridge's envelope is read as the webhook of it is."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.errors import Unreadable
from chalicelib.stripe_api.envelope import opened
from chalicelib.stripe_api.events import StripeEvent, read_event
from local.aws.partner_bus import enveloped
from tests.fakes.services import RECORDINGS

NOW = datetime(2026, 4, 16, 9, tzinfo=UTC)
EVENT = RECORDINGS["trial_converts"].events[0]


def read(raw: object, livemode: bool | None = None) -> StripeEvent:
    return read_event(json.dumps(raw), NOW, livemode)


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_recorded_event_reads_alike_by_both_ways(name: str) -> None:
    for event in RECORDINGS[name].events:
        assert read(enveloped(event)) == read(event)


def test_how_eventbridge_writes_the_json_changes_nothing() -> None:
    written = json.dumps(enveloped(EVENT), indent=3, sort_keys=True, ensure_ascii=False)
    assert read_event(written, NOW) == read(EVENT)


def test_the_aws_account_of_the_envelope_is_no_connected_account() -> None:
    assert read(enveloped(EVENT)).set_aside is None
    connected = read(enveloped({**EVENT, "account": "acct_other"}))
    assert (connected.set_aside, connected.fact) == ("EventsOfOthers", None)


@pytest.mark.parametrize("stage_is_live", [True, False])
@pytest.mark.parametrize("wrap", [enveloped, lambda event: event], ids=["bus", "route"])
def test_an_event_of_the_other_mode_is_set_aside(wrap: Any, stage_is_live: bool) -> None:
    other = read(wrap({**EVENT, "livemode": not stage_is_live}), stage_is_live)
    assert (other.set_aside, other.fact) == ("WebhooksOfOtherMode", None)
    assert (other.id, other.type, other.version_known) == (EVENT["id"], EVENT["type"], True)
    assert read(wrap({**EVENT, "livemode": stage_is_live}), stage_is_live).set_aside is None


def test_an_event_of_the_other_mode_is_set_aside_whatever_else_is_wrong_with_it() -> None:
    for broken in ({"created": "never"}, {"created": None}, {"data": 1}, {"account": "acct_1"}):
        event = read(enveloped({**EVENT, "livemode": True, **broken}), False)
        assert event.set_aside == "WebhooksOfOtherMode"


def test_an_event_without_a_mode_is_unreadable_by_both_ways() -> None:
    for wrong in ({**EVENT, "livemode": None}, {**EVENT, "livemode": "false"}):
        for body in (wrong, enveloped(wrong)):
            with pytest.raises(Unreadable, match="livemode"):
                read(body, False)


def test_a_thin_event_over_the_bus_is_set_aside() -> None:
    thin = {
        "id": "evt_1",
        "object": "v2.core.event",
        "type": "v1.customer.updated",
        "created": "2026-03-02T09:00:00.000Z",
        "livemode": False,
    }
    assert read(enveloped(thin), False).set_aside == "ThinEvents"
    assert read(enveloped({**thin, "livemode": True}), False).set_aside == "WebhooksOfOtherMode"


@pytest.mark.parametrize(
    "source", ["aws.ses", "acme.orders", "aws.partner/stripe.company/x", "", None, 1, []]
)
def test_an_envelope_from_elsewhere_is_unreadable(source: object) -> None:
    with pytest.raises(Unreadable, match="not from Stripe"):
        read(enveloped(EVENT, source=source))


@pytest.mark.parametrize("detail", [None, [], "{}", 1, [EVENT]])
def test_an_envelope_without_an_event_is_unreadable(detail: object) -> None:
    with pytest.raises(Unreadable, match="detail is no object"):
        read(enveloped(EVENT, detail=detail))
    with pytest.raises(Unreadable):
        read(enveloped(EVENT, detail={}))


def test_an_envelope_in_an_envelope_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        read(enveloped(enveloped(EVENT)))


@pytest.mark.parametrize("raw", [None, 1, "text", [], {}, EVENT])
def test_what_has_no_envelope_is_given_back_as_it_is(raw: object) -> None:
    assert opened(raw) is raw
