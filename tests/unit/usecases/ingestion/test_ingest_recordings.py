"""What Stripe really sends, in whatever order, however late and often: the account ends as Stripe
has it.
"""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.access.standing import standing
from chalicelib.domain.stripe_objects.objects import Invoice
from chalicelib.stripe_api import objects
from chalicelib.usecases.ingestion.ingest import Message, ingest
from local.recordings import Recording
from tests.fakes.grids import examples, grid
from tests.fakes.services import POLICY, RECORDINGS, FakeServices, at, updated

EXPECTED_STANDING = {
    "buys_without_trial": [("full", "active"), ("full", "active")],
    "canceled_at_once": [("none", "canceled")],
    "cancels_then_changes_mind": [("full", "canceling"), ("full", "active"), ("full", "active")],
    "charge_added_to_the_next_invoice": [("full", "active"), ("full", "active")],
    "renewal_fails_then_recovers": [
        ("full", "past_due_grace"),
        ("full", "active"),
        ("full", "active"),
    ],
    "trial_converts": [
        ("full", "trialing"),
        ("full", "trialing"),
        ("full", "active"),
        ("full", "active"),
    ],
    "trial_pauses_then_resumes": [
        ("none", "paused"),
        ("none", "paused"),
        ("full", "active"),
        ("full", "active"),
    ],
    "upgrades_then_downgrades": [("full", "active"), ("full", "active"), ("full", "active")],
}
CHECKPOINTS = [
    (name, place)
    for name, recording in RECORDINGS.items()
    for place in range(len(recording.checkpoints))
]


def messages(events: list[dict[str, Any]]) -> list[Message]:
    return [Message(f"m{place}", json.dumps(event)) for place, event in enumerate(events)]


def play(
    place: FakeServices,
    recording: Recording,
    events: list[dict[str, Any]],
    until: int,
    lateness: timedelta,
    batch: int,
) -> None:
    """Take the events in at the end of their history: Stripe holds the truth after `until` events
    all the while.
    """
    place.stripe.reader.truth = recording.truth(until)
    place.now.at = at(max(event["created"] for event in recording.events[:until])) + lateness
    for start in range(0, len(events), batch):
        outcomes = ingest(messages(events[start : start + batch]), place.services)
        assert not [outcome.failure for outcome in outcomes if outcome.failure]


def without_page(invoice: Invoice) -> Invoice:
    """The invoice without Stripe's page of it, which is kept of the newest ones only."""
    return replace(invoice, hosted_invoice_url=None) if invoice.status == "paid" else invoice


def assert_true(place: FakeServices, recording: Recording, checkpoint: int) -> None:
    """What was learnt is Stripe's own answer, and the standing what it means at the checkpoint's
    time.
    """
    truth = recording.truth(recording.events_until(recording.checkpoints[checkpoint]))
    account = place.accounts.only()
    learnt = updated(account)
    learnt["invoices"] = {id: without_page(one) for id, one in learnt["invoices"].items()}
    assert learnt == {
        "customers": {id: objects.customer(raw) for id, raw in truth.customers.items()},
        "subscriptions": {
            raw["id"]: objects.subscription(raw)
            for raw in recording.checkpoints[checkpoint]["subscriptions"]
        },
        "ended": {},
        "invoices": {id: without_page(objects.invoice(raw)) for id, raw in truth.invoices.items()},
    }
    now = standing(account, POLICY, at(recording.checkpoints[checkpoint]["at"]))
    assert (now.access, now.reason) == EXPECTED_STANDING[recording.name][checkpoint]


@pytest.mark.parametrize(
    ("history", "batch", "backwards"), grid(CHECKPOINTS, [1, 100], [False, True])
)
def test_a_history_in_order_and_reversed_ends_as_stripe_has_it(
    history: tuple[str, int], batch: int, backwards: bool
) -> None:
    name, checkpoint = history
    recording, place = RECORDINGS[name], FakeServices()
    until = recording.events_until(recording.checkpoints[checkpoint])
    events = recording.events[:until][::-1] if backwards else recording.events[:until]
    play(place, recording, events, until, timedelta(0), batch)
    assert_true(place, recording, checkpoint)


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_history_lived_through_in_its_own_time_is_right_at_every_checkpoint(name: str) -> None:
    recording, place = RECORDINGS[name], FakeServices()
    checkpoints = {
        recording.events_until(checkpoint): number
        for number, checkpoint in enumerate(recording.checkpoints)
    }
    for done, event in enumerate(recording.events, 1):
        place.stripe.reader.truth, place.now.at = recording.truth(done), at(event["created"])
        ingest(messages([event]), place.services)
        if done in checkpoints:
            assert_true(place, recording, checkpoints[done])


@pytest.mark.parametrize(("name", "checkpoint"), CHECKPOINTS)
@examples(20)
@given(data=st.data(), late=st.integers(0, 3 * 86400), batch=st.sampled_from([1, 3, 10, 100]))
def test_a_history_shuffled_late_and_doubled_ends_as_stripe_has_it(
    name: str, checkpoint: int, data: st.DataObject, late: int, batch: int
) -> None:
    recording, place = RECORDINGS[name], FakeServices()
    until = recording.events_until(recording.checkpoints[checkpoint])
    doubled = [
        event
        for event in recording.events[:until]
        for _ in range(data.draw(st.sampled_from([1, 1, 2])))
    ]
    play(
        place, recording, data.draw(st.permutations(doubled)), until, timedelta(seconds=late), batch
    )
    assert_true(place, recording, checkpoint)


@pytest.mark.parametrize(("name", "checkpoint"), CHECKPOINTS)
@examples(20)
@given(data=st.data())
def test_learning_alone_needs_no_order_where_the_account_is_known(
    name: str, checkpoint: int, data: st.DataObject
) -> None:
    """An account that signed up is there before its first event: Stripe is asked for ties only, and
    may as well be silent for the rest.
    """
    recording, place = RECORDINGS[name], FakeServices()
    until = recording.events_until(recording.checkpoints[checkpoint])
    first = recording.events[0]
    place.stripe.reader.truth, place.now.at = recording.truth(1), at(first["created"])
    ingest(messages([first]), place.services)
    place.stripe.reader.asked.clear()
    place.stripe.reader.truth = recording.truth(until)
    for event in data.draw(st.permutations(recording.events[:until])):
        place.now.at = max(place.now.at, at(event["created"]))
        ingest(messages([event]), place.services)
    assert all(
        question.startswith(("subscription ", "customer "))
        for question in place.stripe.reader.asked
    )
    assert_true(place, recording, checkpoint)


@examples(30)
@given(
    st.data(),
    st.sampled_from(sorted(RECORDINGS)),
    st.sampled_from(sorted(RECORDINGS)),
    st.booleans(),
)
def test_two_histories_interleaved_do_not_touch_each_other(
    data: st.DataObject, first: str, second: str, keep_email: bool
) -> None:
    """With the same e-mail too: Stripe lets customers share one."""
    one, other = (
        RECORDINGS[first].renamed("a", keep_email),
        RECORDINGS[second].renamed("b", keep_email),
    )
    place = FakeServices()
    truth = one.truth()
    for mine, hers in zip(vars_of(truth), vars_of(other.truth()), strict=True):
        mine.update(hers)
    place.stripe.reader.truth = truth
    place.now.at = at(max(event["created"] for event in one.events + other.events))
    for event in data.draw(st.permutations(one.events + other.events)):
        ingest(messages([event]), place.services)
    for recording in (one, other):
        assert recording.account_id
        account = place.accounts.load(recording.account_id)
        assert account
        alone = FakeServices()
        play(alone, recording, recording.events, len(recording.events), timedelta(0), 1)
        assert updated(account) == updated(alone.accounts.only())


def vars_of(truth: Any) -> tuple[dict[str, Any], ...]:
    return truth.customers, truth.subscriptions, truth.invoices


@pytest.mark.parametrize("name", RECORDINGS)
def test_three_deliveries_write_no_more_than_one(name: str) -> None:
    recording = RECORDINGS[name]
    once, thrice = FakeServices(), FakeServices()
    for place, times in ((once, 1), (thrice, 3)):
        for done, event in enumerate(recording.events, 1):
            place.stripe.reader.truth, place.now.at = recording.truth(done), at(event["created"])
            for _ in range(times):
                ingest(messages([event]), place.services)
    assert thrice.accounts.only() == once.accounts.only()
