"""Bugs that others in this field have really had. Each test is named after what it protects; the
number is that of docs/reliability.md.
"""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.facts import FetchResult, SubscriptionSnapshot
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.ordering import FromFetch
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.errors import Unavailable
from chalicelib.stripe_api import objects
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.ingestion.ingest import Message, ingest
from local.recordings import Truth
from tests.adapters.stripe_api.test_events import VERSIONS, shape
from tests.fakes.memory.accounts import MemoryAccounts
from tests.fakes.services import POLICY, RECORDINGS, FakeServices, at
from tests.http.conftest import Stage, stage  # noqa: F401 - the fixture

TRIAL, BOUGHT = RECORDINGS["trial_converts"], RECORDINGS["buys_without_trial"]
CUSTOMER, SUBSCRIPTION = BOUGHT.events[0], BOUGHT.events[7]
SUB = SUBSCRIPTION["data"]["object"]["id"]


def changed(
    event: dict[str, Any],
    kind: str,
    after: int = 0,
    previous: dict[str, Any] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Another event about the same object: `after` seconds later, with these fields."""
    data: dict[str, Any] = {"object": {**event["data"]["object"], **fields}}
    if previous is not None:
        data["previous_attributes"] = previous
    created = event["created"] + after
    return {
        **event,
        "id": f"evt_{kind}_{created}_{sorted(fields.items())!r}"[:60],
        "type": kind,
        "created": created,
        "data": data,
    }


def arrive(
    place: FakeServices, *events: dict[str, Any], late: timedelta = timedelta(0)
) -> list[str]:
    """Deliver, one by one; gives the effects."""
    effects = []
    for event in events:
        place.now.at = max(place.now.at, at(event["created"]) + late)
        (outcome,) = ingest([Message("m", json.dumps(event))], place.services)
        effects.append(outcome.effect)
    return effects


def known(place: FakeServices, *events: dict[str, Any]) -> FakeServices:
    """The place once it has adopted the customer and Stripe, silent from then on, has nothing to
    add.
    """
    place.stripe.reader.truth = Truth(
        {CUSTOMER["data"]["object"]["id"]: CUSTOMER["data"]["object"]}, {}, {}
    )
    arrive(place, CUSTOMER, *events)
    return place


def now_standing(place: FakeServices) -> Standing:
    return standing(place.accounts.only(), POLICY, place.now.at)


def stripe_has(place: FakeServices, *subscriptions: dict[str, Any]) -> None:
    place.stripe.reader.truth = replace(
        place.stripe.reader.truth, subscriptions={one["id"]: one for one in subscriptions}
    )


def test_an_update_to_active_stands_when_the_creation_arrives_after_it(place: FakeServices) -> None:
    """1."""
    created = changed(SUBSCRIPTION, "customer.subscription.created", status="incomplete")
    for later in (0, 2):
        updated = changed(
            SUBSCRIPTION,
            "customer.subscription.updated",
            later,
            {"status": "incomplete"},
            status="active",
        )
        fresh = known(FakeServices(), updated, created)
        assert now_standing(fresh).reason == "active"
        assert (
            fresh.accounts.only()
            == known(FakeServices(), updated, created, created).accounts.only()
        )


class Meanwhile(MemoryAccounts):
    """Something else happens just before the first save."""

    happens: Any = None

    def save(self, old: Any, new: Any) -> None:
        happens, self.happens = self.happens, None
        if happens:
            happens()
        super().save(old, new)


def test_a_creation_and_an_update_taken_in_at_once_leave_one_subscription_in_its_newest_state(
    place: FakeServices,
) -> None:
    """2."""
    place.accounts = Meanwhile()
    known(place)
    created = changed(SUBSCRIPTION, "customer.subscription.created", status="incomplete")
    updated = changed(SUBSCRIPTION, "customer.subscription.updated", 1, {"status": "incomplete"})
    for first, second in ((created, updated), (updated, created)):
        place.accounts.happens = lambda second=second: ingest(
            [Message("m2", json.dumps(second))], place.services
        )
        arrive(place, first)
    assert list(place.accounts.only().subscriptions) == [SUB]
    assert now_standing(place).reason == "active"


def test_our_own_call_and_its_webhook_make_no_second_subscription_and_keep_the_plan(
    place: FakeServices,
) -> None:
    """3."""
    known(place, SUBSCRIPTION)
    scale = json.loads(
        json.dumps(SUBSCRIPTION["data"]["object"]).replace("pro_monthly", "scale_monthly")
    )
    account = place.accounts.only()
    place.now.at += timedelta(minutes=5)
    began = int(place.now.at.timestamp())
    told = SubscriptionSnapshot(
        objects.subscription(scale), FromFetch(place.now.at, account.mark(SUB))
    )
    apply_facts(
        account,
        [FetchResult(FetchRequest("subscription", SUB), (told,))],
        place.services,
        StripeFetcher(place.services),
    )
    stripe_has(place, scale)
    webhook = changed(
        SUBSCRIPTION,
        "customer.subscription.updated",
        began - SUBSCRIPTION["created"],
        {"items": SUBSCRIPTION["data"]["object"]["items"]},
    )
    webhook["data"]["object"] = scale
    arrive(place, webhook, SUBSCRIPTION)
    assert list(place.accounts.only().subscriptions) == [SUB]
    assert now_standing(place).plan == "scale"


@pytest.mark.parametrize("will_end_first", [True, False])
def test_of_two_events_of_one_second_the_change_wins_over_the_reminder(
    place: FakeServices, will_end_first: bool
) -> None:
    """4."""
    reminder = changed(SUBSCRIPTION, "customer.subscription.trial_will_end", 60, status="trialing")
    update = changed(
        SUBSCRIPTION, "customer.subscription.updated", 60, {"status": "trialing"}, status="active"
    )
    known(place, changed(SUBSCRIPTION, "customer.subscription.created", status="trialing"))
    arrive(place, *((reminder, update) if will_end_first else (update, reminder)))
    assert place.accounts.only().subscriptions[SUB].value.status == "active"
    assert place.accounts.only().asks == ()


@pytest.mark.parametrize("paid_first", [True, False])
def test_a_paid_invoice_is_never_stuck_open_by_news_of_the_same_second(
    place: FakeServices, paid_first: bool
) -> None:
    """4."""
    opened, paid = BOUGHT.events[3], BOUGHT.events[6]
    assert opened["created"] == paid["created"]
    known(place)
    arrive(place, *((paid, opened) if paid_first else (opened, paid)))
    assert [billed.value.status for billed in place.accounts.only().invoices.values()] == ["paid"]


@pytest.mark.parametrize("in_reverse", [True, False])
def test_of_two_answers_that_complete_in_reverse_the_one_begun_last_stands(
    place: FakeServices, in_reverse: bool
) -> None:
    """5."""
    known(place, SUBSCRIPTION)
    account = place.accounts.only()
    raw = SUBSCRIPTION["data"]["object"]
    answers = [
        FetchResult(
            FetchRequest("subscription", SUB),
            (
                SubscriptionSnapshot(
                    objects.subscription({**raw, "status": status}),
                    FromFetch(at(SUBSCRIPTION["created"] + later), account.mark(SUB)),
                ),
            ),
        )
        for status, later in (("past_due", 60), ("unpaid", 120))
    ]
    for one in reversed(answers) if in_reverse else answers:
        apply_facts(place.accounts.only(), [one], place.services, StripeFetcher(place.services))
    assert place.accounts.only().subscriptions[SUB].value.status == "unpaid"


def test_an_event_again_at_once_or_three_days_later_has_one_effect(place: FakeServices) -> None:
    """6."""
    place.accounts = Meanwhile()
    known(place)
    stripe_has(place, SUBSCRIPTION["data"]["object"])
    place.accounts.happens = lambda: ingest(
        [Message("again", json.dumps(SUBSCRIPTION))], place.services
    )
    arrive(place, SUBSCRIPTION)
    before = place.accounts.only()
    assert arrive(place, SUBSCRIPTION, late=timedelta(days=3)) == ["unchanged"]
    assert place.accounts.only() == before
    told = [entry.type for entry in place.timeline.entries.values()]
    assert told.count("access.granted") == 1


@pytest.mark.parametrize("part", ["accounts.save", "timeline.put"])
def test_an_attempt_that_failed_leaves_no_mark_that_keeps_the_next_from_running(
    place: FakeServices, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """7."""
    known(place)

    def fail(*_: object) -> None:
        raise Unavailable("throttled")

    adapter, verb = part.split(".")
    with monkeypatch.context() as patch:
        patch.setattr(getattr(place, adapter), verb, fail)
        assert arrive(place, SUBSCRIPTION) == ["retry"]
    arrive(place, SUBSCRIPTION)
    assert now_standing(place).reason == "active"
    assert SUBSCRIPTION["id"] in {entry.id for entry in place.timeline.entries.values()}


def test_a_defect_is_never_a_silent_success(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """8."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(
        "chalicelib.entry.triggers.events_queue.wiring.services", lambda: FakeServices().services
    )
    monkeypatch.setattr(MemoryAccounts, "of_customers", fail)
    stage.webhook(CUSTOMER)
    assert len(stage.work()) == 1, "it comes again"
    monkeypatch.setattr("chalicelib.entry.http.webhooks.check_signature", fail)
    assert stage.webhook(CUSTOMER).status == 500


def test_customers_and_products_that_are_not_ours_are_a_200_and_nothing_more(
    stage: Stage,
) -> None:
    """9."""
    stranger = changed(CUSTOMER, "customer.created", id="cus_stranger", metadata={})
    theirs = changed(
        SUBSCRIPTION,
        "customer.subscription.created",
        customer="cus_stranger",
        metadata={},
        items={"data": []},
    )
    assert [stage.webhook(event).status for event in (stranger, theirs)] == [200, 200]
    assert stage.work() == set()
    assert stage.stripe.asked == []
    [told] = stage.logged("Events were ingested")
    assert told["foreign"] == 2


def test_an_event_that_can_never_be_read_is_parked_with_its_reason_and_does_nothing_ever_again(
    place: FakeServices,
) -> None:
    """10."""
    known(place, SUBSCRIPTION)
    before = place.accounts.only()
    broken = changed(SUBSCRIPTION, "customer.subscription.updated", 60, status="dormant")
    assert arrive(place, broken, broken, broken) == ["dead_lettered"] * 3
    assert place.accounts.only() == before
    assert "status" in place.dead_letters.messages[0][1]["reason"]


def test_a_webhook_is_answered_once_it_is_queued_and_its_repeat_credits_nothing_twice(
    stage: Stage,
) -> None:
    """11."""
    moved = BOUGHT.moved_to(int(stage_now().timestamp()) - 5)
    stage.stripe.truth = moved.truth(1)
    for _ in range(2):
        for event in moved.events[:9]:
            stage.webhook(event)
    assert stage.stripe.asked == [], "nothing but the queue is waited for"
    assert stage.work() == set()
    stage.webhook(moved.events[6])
    stage.work()
    stage.stream("acct_demo")
    entries = stage.get("/accounts/acct_demo/timeline", stage.key("read")).body["entries"]
    assert [entry["type"] for entry in entries].count("payment.succeeded") == 1


def stage_now() -> Any:
    from chalicelib.runtime.clock import clock

    return clock.now()


@pytest.mark.parametrize("deleted_at_stripe", [True, False])
def test_a_deleted_customer_loses_access_and_breaks_nothing(
    place: FakeServices, deleted_at_stripe: bool
) -> None:
    """15."""
    known(place, SUBSCRIPTION)
    id = CUSTOMER["data"]["object"]["id"]
    if deleted_at_stripe:
        place.stripe.reader.truth = Truth(
            {id: {"id": id, "object": "customer", "deleted": True}}, {}, {}
        )
    gone = changed(CUSTOMER, "customer.deleted", 60)
    update = changed(CUSTOMER, "customer.updated", 59, {"name": "A"})
    assert set(arrive(place, gone, update, SUBSCRIPTION)) <= {"applied", "unchanged"}
    assert (now_standing(place).access, now_standing(place).reason) == ("none", "customer_deleted")
    alone = FakeServices()
    alone.stripe.reader.truth = Truth(
        {id: {"id": id, "object": "customer", "deleted": True}}, {}, {}
    )
    assert arrive(alone, gone) == ["applied"]
    assert now_standing(alone).access == "none"


@pytest.mark.parametrize("how", ["null", "absent"])
def test_a_trial_end_that_is_gone_is_cleared(place: FakeServices, how: str) -> None:
    """17."""
    trialing = TRIAL.events[4]
    place.stripe.reader.truth = TRIAL.truth(1)
    arrive(place, TRIAL.events[0], trialing)
    update = changed(
        trialing,
        "customer.subscription.updated",
        60,
        {"trial_end": trialing["data"]["object"]["trial_end"]},
        status="active",
    )
    if how == "null":
        update["data"]["object"]["trial_end"] = None
    else:
        del update["data"]["object"]["trial_end"]
    assert arrive(place, update) == ["applied"]
    assert [known.value.trial_end for known in place.accounts.only().subscriptions.values()] == [
        None
    ]
    assert now_standing(place).reason == "active"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_end_of_an_old_subscription_takes_nothing_from_the_new_one(
    place: FakeServices, order: tuple[int, int]
) -> None:
    """29."""
    known(place, SUBSCRIPTION)
    events = [
        changed(SUBSCRIPTION, "customer.subscription.created", 100, id="sub_new"),
        changed(
            SUBSCRIPTION,
            "customer.subscription.deleted",
            200,
            status="canceled",
            ended_at=SUBSCRIPTION["created"] + 200,
        ),
    ]
    arrive(place, *(events[number] for number in order))
    assert (now_standing(place).access, now_standing(place).reason) == ("full", "active")


@pytest.mark.parametrize(
    "scheduled", [{"cancel_at_period_end": True}, {"cancel_at": SUBSCRIPTION["created"] + 86_400}]
)
def test_a_cancellation_is_seen_as_scheduled_whichever_field_says_so(
    place: FakeServices, scheduled: dict[str, Any]
) -> None:
    """31: in flexible billing the portal sets cancel_at and leaves the flag."""
    known(
        place,
        SUBSCRIPTION,
        changed(SUBSCRIPTION, "customer.subscription.updated", 60, {}, **scheduled),
    )
    assert (now_standing(place).access, now_standing(place).reason) == ("full", "canceling")


@pytest.mark.parametrize("version", VERSIONS)
def test_fields_that_moved_between_api_versions_are_found_in_either_place(version: str) -> None:
    """36."""
    place = FakeServices()
    subscription, invoice = shape(version, "subscription"), shape(version, "invoice")
    place.now.at = at(invoice["created"])
    (outcome,) = ingest([Message("m", json.dumps(subscription))], place.services)
    assert outcome.effect in {"applied", "foreign"}
    customer = {
        **CUSTOMER,
        "data": {
            "object": {
                **CUSTOMER["data"]["object"],
                "id": subscription["data"]["object"]["customer"],
            }
        },
    }
    place = FakeServices()
    place.stripe.reader.truth = Truth(
        {customer["data"]["object"]["id"]: customer["data"]["object"]}, {}, {}
    )
    place.now.at = at(subscription["created"])
    for event in (customer, subscription, invoice):
        ingest([Message("m", json.dumps(event))], place.services)
    account = place.accounts.only()
    (known_subscription,), (billed,) = account.subscriptions.values(), account.invoices.values()
    assert known_subscription.value.period_end == at(1775120400)
    assert billed.value.subscription == known_subscription.value.id


@pytest.mark.parametrize("encoded", [True, False])
def test_the_signature_holds_over_the_raw_bytes_that_the_gateway_encodes_or_not(
    stage: Stage,
    encoded: bool,
) -> None:
    """37."""
    from app import app
    from chalicelib.runtime.clock import clock
    from local.aws.lambda_context import LambdaContext
    from local.client import signature
    from tests.http.conftest import SECRET

    body = json.dumps({**CUSTOMER, "note": "é\r\n😀"}, ensure_ascii=False, indent=1).encode()
    event = {
        "resource": "/webhooks/stripe",
        "path": "/webhooks/stripe",
        "httpMethod": "POST",
        "headers": {
            "content-type": "application/json",
            "Stripe-Signature": signature(body, SECRET, int(clock.now().timestamp())),
        },
        "multiValueHeaders": {},
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "httpMethod": "POST",
            "resourcePath": "/webhooks/stripe",
            "requestId": "r",
            "identity": {},
        },
        "body": base64.b64encode(body).decode() if encoded else body.decode(),
        "isBase64Encoded": encoded,
    }
    assert app(event, LambdaContext("api_handler", 29))["statusCode"] == 200
    assert [message["Body"] for message in stage.messages(stage.events_queue)] == [body.decode()]


def test_an_event_of_the_other_mode_is_a_200_and_nothing_more(stage: Stage) -> None:
    """38."""
    assert stage.webhook({**CUSTOMER, "livemode": True}).status == 200
    assert stage.messages(stage.events_queue) == []


def test_access_closes_at_the_trials_end_with_every_later_webhook_lost(place: FakeServices) -> None:
    """The defect of Pay, Cashier, better-auth and Firebase: a stored `trialing`
    counted for ever."""
    place.stripe.reader.truth = TRIAL.truth(1)
    arrive(place, TRIAL.events[0], TRIAL.events[4])
    end = at(TRIAL.events[4]["data"]["object"]["trial_end"])
    account = place.accounts.only()
    assert standing(account, POLICY, end - timedelta(seconds=1)).access == "full"
    assert standing(account, POLICY, end).access == "none"
