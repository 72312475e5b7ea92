"""Logs and metrics of the functions: each metric where its number is known, ids in every log,
and no personal data.
"""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from email.message import Message as Headers
from typing import Any

import pytest

from app import app
from chalicelib.domain.errors import Unavailable
from chalicelib.runtime import telemetry, wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.telemetry import MEASURED, METRICS
from local.aws.api_gateway import ApiGateway
from local.http_server import Request
from tests.fakes.services import RECORDINGS
from tests.http.conftest import SECRET, Stage, stage  # noqa: F401 - the fixture
from tests.http.triggers.test_mail_queue import ACCOUNT, Office, office  # noqa: F401 - the fixture

HISTORY = RECORDINGS["trial_converts"]


def logs(stage: Stage) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stage.said.getvalue().splitlines()]


def blobs(stage: Stage) -> Iterator[dict[str, Any]]:
    """What CloudWatch would read as metrics, flush by flush."""
    yield from (
        json.loads(line) for line in stage.everything_said().splitlines() if '"_aws"' in line
    )


def measured(stage: Stage, metric: str) -> list[float]:
    return [value for blob in blobs(stage) for value in blob.get(metric, [])]


def units(stage: Stage) -> dict[str, str]:
    return {
        one["Name"]: one["Unit"]
        for blob in blobs(stage)
        for one in blob["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }


def fresh(events: int, age: int = 5) -> list[Any]:
    """The history's first events, made so many seconds ago."""
    return HISTORY.moved_to(int(clock.now().timestamp()) - age).events[:events]


def test_every_metric_is_counted_or_measured_in_its_own_way() -> None:
    assert MEASURED.keys() <= METRICS.keys()
    with pytest.raises(KeyError):
        telemetry.measure("EventsDead", 1)
    with pytest.raises(KeyError):
        telemetry.count("NeedsYou")
    with pytest.raises(KeyError):
        telemetry.count("Unheard")


def test_the_lag_of_events_that_changed_an_account_is_told_from_stripes_second(
    stage: Stage,
) -> None:
    stage.stripe.truth = HISTORY.truth(1)
    [born] = fresh(1, age=3600)
    for event in (born, born, {**born, "type": "charge.succeeded"}):
        assert stage.webhook(event).status == 200
        stage.work()
    applied, unchanged, ignored = stage.logged("Events were ingested")
    assert 3600 <= applied["lag"] < 3700
    assert (unchanged["unchanged"], ignored["ignored"]) == (1, 1)
    assert not {"lag"} & (unchanged.keys() | ignored.keys())


def test_the_sweep_logs_how_far_behind_it_is_with_what_it_reads_anyway(office: Office) -> None:
    office.sweep()
    assert logs(office.stage) == []
    office.begin_trial()
    account = wiring.accounts().load(ACCOUNT)
    assert account
    assert account.due_at
    waited = (clock.now() - account.due_at).total_seconds()
    office.sweep()
    [line] = office.stage.logged("Due accounts were queued")
    assert (line["handed_out"], line["due"]) == (1, 1)
    assert waited <= line["oldest_seconds"] < waited + 60


def test_what_happens_to_an_event_is_told_with_its_ids(stage: Stage) -> None:
    stage.stripe.truth = HISTORY.truth(1)
    [event] = fresh(1)
    for body in (event, event, b"{broken"):
        stage.webhook(body)
    stage.work()
    told = stage.logged("Events were ingested")
    assert [(one["function"], one["applied"], one["dead_lettered"]) for one in told] == [
        ("process_events", 2, 1)
    ]
    line = f"{event['id']} customer.created applied acct_demo"
    assert [one for one in told[0]["events"] if " dead_lettered" not in one] == [line, line]
    published = stage.logged("Domain events were published")
    assert [one["events"] for one in published] == [["acct_demo.0.1.account.created"]]


def test_a_failure_that_many_events_share_is_told_once_with_all_of_them(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise Unavailable("The table gives no answer now.")

    monkeypatch.setattr(wiring.accounts(), "of_customers", fail)
    for event in fresh(2):
        stage.webhook(event)
    stage.work()
    [told] = stage.logged("Events were not ingested")
    assert (told["failure"], len(told["events"])) == ("Unavailable", 2)


def test_a_call_that_fails_is_told_with_its_route_and_account_and_without_its_path(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = stage.key("access")

    def fail(id: str) -> None:
        raise Unavailable("The table gives no answer now.")

    monkeypatch.setattr(wiring.accounts(), "load", fail)
    assert stage.get("/accounts/acc_1/access", key).status == 503
    monkeypatch.setattr(wiring.api_keys(), "load", fail)
    private = "/accounts/ada@example.com/access?note=private"
    assert stage.get(private, f"bh_{'a' * 12}_{'b' * 43}").status == 503
    by_id, by_address = logs(stage)
    assert (by_id["route"], by_id["account_id"]) == ("/accounts/{account_id}/access", "acc_1")
    assert by_address["route"] == "/accounts/{account_id}/access"
    assert "account_id" not in by_address, (
        "an address put where the id belongs is not told, nor is the id of the call before"
    )
    assert "ada@example.com" not in stage.everything_said()
    assert "private" not in stage.everything_said()


def words_of(thing: Any, name: str = "") -> set[str]:
    """The texts in Stripe's payloads that tell of a person, a card or a link."""
    if isinstance(thing, dict):
        return {word for key, value in thing.items() for word in words_of(value, key)}
    if isinstance(thing, list):
        return {word for one in thing for word in words_of(one, name)}
    told = (
        name
        in {
            "email",
            "name",
            "customer_email",
            "customer_name",
            "phone",
            "description",
            "default_payment_method",
        }
        or "url" in name
    )
    return {thing} if told and isinstance(thing, str) and len(thing) > 3 else set()


def test_no_log_and_no_metric_holds_an_address_a_payload_or_a_secret(
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stage on which everything happens: events good and bad, mail and its feedback, calls that
    fail.
    """
    stage = office.stage
    office.begin_trial()
    for _ in range(2):
        office.tick()
    office.tell(
        office.told("Delivery"),
        office.told("Bounce"),
        office.told("Complaint"),
        {"note": "not of SES's"},
        {"eventType": "Bounce"},
    )
    for event in (
        *fresh(9),
        b'{"secret": "of a stranger"}',
        {**fresh(1)[0], "data": {"object": {"email": "eve@example.com"}}},
    ):
        stage.webhook(event)
    stage.webhook(fresh(1)[0], secret="whsec_of_somebody_else")
    stage.work()
    stage.stream(ACCOUNT)
    key = stage.key("read")
    monkeypatch.setattr(wiring.accounts(), "load", lambda id: 1 / 0)
    monkeypatch.setattr(wiring.accounts(), "with_email", lambda email: {}[email])
    assert stage.get("/accounts?email=eve@example.com", key).status == 500
    monkeypatch.setattr(wiring, "secrets", lambda: {}["link-key"])
    assert (
        ApiGateway(app)(
            Request("GET", "/welcome/a-token-of-a-mail", [], Headers(), b"", "127.0.0.1")
        ).status
        == 500
    )
    stage.stream(ACCOUNT)

    said = stage.everything_said()
    assert len(logs(stage)) > 12
    # Secrets as the functions have them, and what they are asked with.
    for secret in (
        SECRET,
        "whsec_",
        "hash-key-secret",
        "sk_test_secret",
        "link-key",
        key,
        "a-token-of-a-mail",
        "Stripe-Signature",
    ):
        assert secret not in said, secret
    private = words_of(HISTORY.events) | {"eve@example.com", "of a stranger", "not of SES's"}
    assert len(private) > 5
    assert {word for word in private if word in said} == set()
    assert not re.findall(r"[\w.+-]+@[\w-]+\.[a-z]+", said)


def test_every_log_of_an_account_or_an_event_names_it(office: Office) -> None:
    office.begin_trial()
    office.tick()
    office.tell(office.told("Delivery"))
    office.stage.stream(ACCOUNT)
    said = logs(office.stage)
    assert {one["function"] for one in said} >= {"send_mails", "take_feedback"}
    for one in said:
        assert one.keys() & {"account_id", "events", "message_id", "feedback_id", "handed_out"}, one
        assert "request_id" in one


def test_an_account_that_goes_stale_is_counted_once(
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moved = RECORDINGS["buys_without_trial"].moved_to(
        int((clock.now() - timedelta(days=45)).timestamp())
    )
    office.stage.stripe.truth = moved.truth(8)
    assert moved.account_id
    for event in moved.events[:8]:
        office.stage.webhook(event)
    office.stage.work()
    office.stage.stream(moved.account_id)
    account = wiring.accounts().load(moved.account_id)
    assert account
    assert account.standing
    assert account.standing.reason == "stale", (
        "the paid month is over for two weeks, and nothing came"
    )
    office.stage.stream(moved.account_id)
    assert office.stage.metrics()["AccountsStale"] == 1
