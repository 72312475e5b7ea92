"""A webhook that somebody has recorded, sent again."""

import hashlib
import hmac
import json

import pytest

from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from tests.http.conftest import SECRET, Stage
from tests.http.test_telemetry import fresh
from tests.http.triggers.test_mail_queue import later

ACCOUNT = "acct_demo"


def recorded(event: object, secret: str = SECRET) -> tuple[bytes, str]:
    """A body and its header, as they went over the wire."""
    payload, stamp = json.dumps(event).encode(), int(clock.now().timestamp())
    signed = hmac.new(secret.encode(), f"{stamp}.".encode() + payload, hashlib.sha256)
    return payload, f"t={stamp},v1={signed.hexdigest()}"


def send(stage: Stage, payload: bytes, header: str) -> int:
    return stage.call(
        "POST",
        "/webhooks/stripe",
        payload,
        Stripe_Signature=header,
        Content_Type="application/json",
    ).status


def test_within_its_five_minutes_the_same_again_changes_nothing(stage: Stage) -> None:
    wires = [recorded(event) for event in fresh(5)]
    for _ in range(2):
        assert {send(stage, *wire) for wire in wires} == {200}, "Stripe itself repeats"
        stage.work()
        stage.stream(ACCOUNT)
    once = wiring.accounts().load(ACCOUNT)
    happened = stage.logged("Domain events were published")
    assert {send(stage, *wire) for wire in reversed(wires)} == {200}
    stage.work()
    stage.stream(ACCOUNT)
    again = wiring.accounts().load(ACCOUNT)
    assert once
    assert again
    assert (again.version, again.subscriptions, again.customers) == (
        once.version,
        once.subscriptions,
        once.customers,
    )
    assert stage.logged("Domain events were published") == happened != []


def test_after_its_five_minutes_it_is_refused_whatever_stamp_is_written_beside_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload, header = recorded(fresh(1)[0])
    stamp, _, signature = header.partition(",")
    later(monkeypatch, seconds=301)
    now = int(clock.now().timestamp())
    others = [
        header,
        f"t={now},{signature}",
        f"t={now},{stamp},{signature}",
        f"{stamp},t={now},{signature}",
        f"t={now}.{stamp[2:]},{signature}",
    ]
    others += [
        f"t={now},v0={signature[3:]}",
        f"t= {now},{signature}",
        f"t=+{now},{signature}",
        f"t={now}\u0660,{signature}",
    ]
    assert {send(stage, payload, one) for one in others} == {400}
    assert stage.messages(stage.events_queue) == []


def test_a_signature_is_worth_nothing_under_another_body_or_a_secret_that_was_rolled(
    stage: Stage,
) -> None:
    first, second = fresh(2)
    payload, header = recorded(first)
    assert send(stage, json.dumps(second).encode(), header) == 400
    assert send(stage, payload + b" ", header) == 400
    assert send(stage, *recorded(first, "whsec_rolled_long_ago")) == 400
    assert stage.messages(stage.events_queue) == []
