"""Erasure: nothing of the person is left, wherever it is interrupted, and nothing that comes
afterwards brings any of it back.
"""

import json
import random
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.account.facts import MilestoneReached
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import AccountNotFound, InvalidInput, Unavailable
from chalicelib.usecases.accounts.erase import erase
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.ingest import Message, ingest
from chalicelib.usecases.messaging.delivery_feedback import take_feedback
from chalicelib.usecases.messaging.send_message import send_message
from chalicelib.usecases.schedule.outbox import publish_outbox
from chalicelib.usecases.schedule.process_due import process_due_account
from tests.fakes.faults import OutsideCalls, crashing_after
from tests.fakes.lifecycles import ACCOUNT, START, Life, MemoryClaims
from tests.fakes.services import FakeServices
from tests.fakes.simulated_lifecycles import WISH, SimLife, crashes


@dataclass
class MemoryBeside:
    """What lies beside accounts in memory."""

    place: FakeServices
    claims: MemoryClaims = field(default_factory=MemoryClaims)

    def clear(self, account_id: str) -> int:
        notes = [
            key
            for key, entry in self.place.timeline.entries.items()
            if entry.account_id == account_id
        ]
        claims = [key for key in self.claims.kept if key[0] == account_id]
        for key in notes:
            del self.place.timeline.entries[key]
        for claim in claims:
            del self.claims.kept[claim]
        return len(notes) + len(claims)


def subscriber() -> SimLife:
    """A customer on trial, with a card and a Checkout left open."""
    life = SimLife()
    life.sign_up()
    life.hear()
    life.opens()
    return life


def erased(life: SimLife, at_stripe: bool = True) -> Any:
    services = replace(
        life.services, stores=replace(life.services.stores, accounts=life.place.accounts)
    )
    return erase(
        life.account_id,
        at_stripe,
        life.calls.watch(services, "accounts", "stripe"),
        MemoryBeside(life.place),
    )


def assert_gone(life: SimLife) -> None:
    assert life.place.accounts.items == {}
    assert life.place.timeline.entries == {}
    assert life.only("customer")["deleted"]
    assert life.only("subscription")["status"] == "canceled"
    assert life.only("checkout.session")["status"] == "expired"


def test_all_of_an_account_goes_and_at_stripe_if_that_is_wanted() -> None:
    life = subscriber()
    outcome = erased(life)
    assert (outcome.account, outcome.customers) == (True, (life.only("customer")["id"],))
    assert outcome.beside > 3
    assert_gone(life)
    assert set(life.place.accounts.owners.values()) == {"#erased"}, "that the trial was had"


def test_a_subscription_that_goes_on_is_not_left_to_nobody() -> None:
    life = subscriber()
    before = life.account
    with pytest.raises(InvalidInput, match=r"sub_\w+ of account acc_\w+ has not ended.*--stripe"):
        erased(life, at_stripe=False)
    assert life.account == before
    assert life.only("checkout.session")["status"] == "open"


def test_who_has_left_is_erased_here_alone_and_no_open_checkout_stays() -> None:
    life = SimLife()
    life.sign_up()
    life.days(20)
    life.stage.call("DELETE", f"/v1/subscriptions/{life.only('subscription')['id']}")
    life.hear()
    life.opens("pro", "month")
    assert erased(life, at_stripe=False).customers == ()
    assert life.place.accounts.items == {}
    assert not life.only("customer").get("deleted")
    assert life.only("checkout.session")["status"] == "expired"


def test_a_customer_of_whom_stripe_could_not_tell_is_deleted_there_too() -> None:
    life = SimLife().fault("timeout_after", 2, path="/v1/customers")
    life.sign_up()
    assert life.account.customers == {}
    assert erased(life).customers == (life.only("customer")["id"],)
    assert life.only("customer")["deleted"]


def test_an_unknown_id_is_an_error_and_an_erased_one_is_erased_again() -> None:
    life = subscriber()
    with pytest.raises(AccountNotFound, match="no account acc_none"):
        erase("acc_none", True, life.services, MemoryBeside(life.place))
    erased(life)
    life.place.timeline.put(
        [
            Entry(
                life.account_id,
                START,
                "stripe",
                "evt_late",
                "customer.updated",
                {"email": "ada@example.com"},
            )
        ]
    )
    again = erased(life)
    assert (again.account, again.beside) == (False, 1)
    assert_gone(life)


@pytest.mark.parametrize("reply_lost", [True, False])
def test_an_erasure_interrupted_after_any_call_is_finished_by_the_same_again(
    reply_lost: bool,
) -> None:
    counted = subscriber()
    counted.calls = OutsideCalls()
    erased(counted)
    assert len(counted.calls.made) >= 5
    for n in range(1, len(counted.calls.made) + 1):
        life = subscriber()
        life.calls = crashing_after(n, reply_lost=reply_lost)
        assert crashes(lambda life=life: erased(life))  # type: ignore[misc]
        erased(life)
        assert_gone(life)


def test_news_while_it_is_erased_is_erased_too(monkeypatch: pytest.MonkeyPatch) -> None:
    life = subscriber()
    expire, told = life.place.stripe.checkout.expire, []

    def expire_and_hear(id: str) -> None:
        expire(id)
        if not told:
            told.append(
                apply_facts(
                    life.account,
                    [MilestoneReached("connected_data", life.place.now.at)],
                    life.place.services,
                    None,
                )
            )

    monkeypatch.setattr(life.place.stripe.checkout, "expire", expire_and_hear)
    erased(life)
    assert told
    assert_gone(life)


@pytest.mark.parametrize("seed", range(5))
def test_events_that_come_after_the_erasure_raise_nothing_and_are_counted(seed: int) -> None:
    life = subscriber()
    erased(life)
    events = list(life.stage.engine.store.events)
    assert {"customer.deleted", "customer.subscription.deleted"} <= {
        event["type"] for event in events
    }
    random.Random(seed).shuffle(events)
    for event in events:
        (outcome,) = ingest([Message(event["id"], json.dumps(event))], life.place.services)
        assert outcome.effect in {"foreign", "ignored"}
    assert_gone(life)
    assert life.place.metrics["EventsOfErased"] > 2


def test_a_purchase_after_the_erasure_is_counted_and_raises_nothing() -> None:
    """Whoever sells to an erased customer in Stripe's dashboard sees it in the metric, and not by
    an account that is there again.
    """
    life = SimLife()
    life.sign_up()
    life.days(20)
    life.stage.call("DELETE", f"/v1/subscriptions/{life.only('subscription')['id']}")
    life.hear()
    erased(life, at_stripe=False)
    price = life.stage.price("pro_monthly")
    life.stage.post(
        "/v1/subscriptions",
        customer=life.only("customer")["id"],
        items=[{"price": price}],
        payment_behavior="default_incomplete",
    )
    life.hear()
    assert life.place.accounts.items == {}
    assert life.place.metrics["EventsOfErased"] >= 1


def test_an_event_that_was_read_before_the_erasure_and_written_after_it_raises_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    life = subscriber()
    load = life.place.accounts.load
    event = life.stage.engine.store.events[0] | {"id": "evt_again"}
    done: list[Any] = []

    def load_and_then_erase(id: str) -> Account | None:
        found: Account | None = load(id)
        if not done:
            done.append(True)
            erased(life)
        return found

    monkeypatch.setattr(life.place.accounts, "load", load_and_then_erase)
    ingest([Message("m", json.dumps(event))], life.place.services)
    assert done
    assert life.place.accounts.items == {}


def test_what_still_waits_in_queues_for_an_erased_account_does_nothing() -> None:
    life = Life().begins()
    life.place.accounts.erase(life.account, life.now.at)
    key = f"welcome@{life.trial.id}"
    assert process_due_account(ACCOUNT, life.services).effect == "nothing"
    assert send_message(ACCOUNT, key, life.services, life.post) == "nothing"
    assert publish_outbox(ACCOUNT, life.services) == ()
    tags = {"account": [ACCOUNT], "step": ["welcome"], "occasion": [life.trial.id]}
    told = {
        "eventType": "Delivery",
        "mail": {"messageId": "ses-1", "timestamp": START.isoformat(), "tags": tags},
        "delivery": {},
    }
    assert take_feedback(json.dumps(told), life.services, life.claims, _nobody()) == "Delivery"
    assert life.place.accounts.items == {}
    assert [entry for entry in life.place.timeline.entries.values() if entry.kind == "mail"] == []
    assert life.claims.kept == {}
    assert life.mails == []


def test_a_mail_under_way_while_its_account_is_erased_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    life = Life().begins()
    services = life.place.services
    soon = replace(services.clock, now=lambda: life.now.at + timedelta(minutes=1))
    process_due_account(ACCOUNT, replace(services, clock=soon))
    life.now.at += timedelta(minutes=1)
    (work,) = life.place.mail_queue.waiting
    beside = MemoryBeside(life.place, life.claims)
    send = life.mailer.send

    def erase_and_send(letter: Any) -> str:
        sent = send(letter)
        life.place.accounts.erase(life.account, life.now.at)
        beside.clear(ACCOUNT)
        return sent

    monkeypatch.setattr(life.mailer, "send", erase_and_send)
    assert send_message(work["account_id"], work["key"], life.services, life.post) == "nothing"
    services = life.place.services
    stores = replace(services.stores, accounts=life.place.accounts)
    services = replace(services, stores=stores)
    assert erase(ACCOUNT, False, services, beside).beside == len(
        ["the note that it was sent", "its claim"]
    )
    assert (life.place.timeline.entries, life.claims.kept) == ({}, {})


def test_who_was_erased_and_signs_up_again_has_had_the_trial() -> None:
    life = subscriber()
    erased(life)
    assert life.sign_up(replace(WISH, email="ADA+again@example.com")).what == "known"
    assert life.place.accounts.items == {}
    assert life.place.mail_queue.waiting == []


@pytest.mark.parametrize("how", ["500", "500_after", "timeout_before", "timeout_after"])
def test_with_stripe_down_nothing_is_erased_yet_and_the_same_again_finishes_it(how: str) -> None:
    life = subscriber().fault(how, 9, method="DELETE")
    before = life.account
    with pytest.raises(Unavailable):
        erased(life)
    assert life.account == before
    life.stage.api.faults.clear()
    erased(life)
    assert_gone(life)


def _nobody() -> Any:
    class Nobody:
        def add(self, email: str, reason: str, at: Any, *_: Any) -> None:
            raise AssertionError("nobody bounced")

        def mark(self, email: str) -> str:
            return email

    return Nobody()
