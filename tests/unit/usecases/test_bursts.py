"""Storms: many events while something fails. Nothing is lost, nothing is doubled, and access is
right by the clock all through.

`python -m bench.burst` does it with 100,000 events and prints what it took. An hour of 429 amid
fetching and comparing is in test_healing.py.
"""

from collections import Counter
from datetime import timedelta

import pytest

from tests.fakes.burst import KINDS, LATE, Burst, at_every_burst

END = timedelta(days=80)
LOOKS = timedelta(minutes=25)


def assert_right_by_the_clock(storm: Burst) -> None:
    """What each may use now is what Stripe held at some moment since all must have been heard of,
    read by the clock of now.
    """
    since, accounts = storm.known_since(), storm.accounts
    for history in storm.histories:
        first, last = history.happened(since), history.happened(storm.now)
        account = accounts.get(history.account_id)
        if account is None:
            assert first == 0, "nobody is forgotten"
            continue
        stands = storm.stands(account)
        assert stands.until is None or stands.until > storm.now
        right = {
            storm.stands(history.known(events)).access for events in range(max(first, 1), last + 1)
        }
        assert stands.access in right | ({"none"} if not first else set()), (
            history.account_id,
            stands,
            right,
        )


def assert_nothing_waits_longer_than_it_must(storm: Burst) -> None:
    """With the stream dead the agenda carries out what happened, a minute later; with the sweep
    dead the stream does.
    """
    if storm.is_out("table") or (storm.is_out("stream") and storm.is_out("sweep")):
        return
    fresh = storm.now - LATE
    assert [
        id
        for id, account in storm.accounts.items()
        if account.outbox and account.outbox[0].at < fresh
    ] == []


def assert_all_is_well(storm: Burst) -> None:
    """The end: every account is as Stripe has it, all is told once, and no work is left."""
    told, accounts = storm.told(), storm.accounts
    assert not storm.coming
    for history in storm.histories:
        truth, account = history.known(len(history.moments)), accounts[history.account_id]
        for kind in ("subscriptions", "invoices"):
            held, true = (
                {id: one.value for id, one in getattr(one, kind).items()}
                for one in (account, truth)
            )
            assert held == true
        assert storm.stands(account) == storm.stands(truth)
        assert not account.asks
        assert not account.outbox
        assert account.due_at is None or account.due_at > storm.now
        access = [
            (one.data["access_before"] or "none", one.data["access"])
            for one in told[history.account_id]
            if one.type.startswith("access.")
        ]
        assert [after for _, after in access[:-1]] == [before for before, _ in access[1:]], (
            "each change of access is told once, and none is left out"
        )
        assert (access[-1][1] if access else "none") == storm.stands(account).access
    assert (
        storm.place.metrics["ActsFailed"]
        == storm.place.metrics["AccountsDead"]
        == storm.effects["dead_lettered"]
        == 0
    )


def once_each(storm: Burst) -> Counter[tuple[str, str]]:
    """What is told once for each thing, whatever came between: payments, and ends
    of subscriptions."""
    about = {"payment.succeeded": "invoice", "subscription.canceled": "subscription"}
    return Counter(
        (one.type, str(one.data[about[one.type]]))
        for one in storm.log.happenings.values()
        if one.type in about
    )


def payments_and_ends(storm: Burst) -> set[tuple[str, str]]:
    """The same, as the events of all histories say."""
    return {
        (type, event["data"]["object"]["id"])
        for history in storm.histories
        for event in history.recording.events
        for type in [
            {
                "invoice.paid": "payment.succeeded",
                "customer.subscription.deleted": "subscription.canceled",
            }.get(event["type"])
        ]
        if type and event["data"]["object"].get("amount_paid", 1)
    }


def blown(accounts: int, *kinds: str) -> Burst:
    looks: Counter[str] = Counter()

    def look(storm: Burst) -> None:
        if storm.now < storm.begin + END and not storm.weather(timedelta(hours=1)):
            return
        assert_right_by_the_clock(storm)
        assert_nothing_waits_longer_than_it_must(storm)
        looks.update(kind for kind in kinds if storm.is_out(kind))

    storm = Burst(accounts, at_every_burst(*kinds))
    storm.blow(storm.begin + END, look, LOOKS)
    assert_all_is_well(storm)
    assert all(looks[kind] for kind in kinds), "there were looks in the middle of each"
    return storm


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_or_doubled_while_one_thing_fails(kind: str) -> None:
    storm = blown(16, kind)
    assert set(once_each(storm).values()) == {1}
    assert once_each(storm).keys() == payments_and_ends(storm)


def test_two_thousand_events_with_everything_failing_at_once() -> None:
    storm = blown(128, *KINDS)
    assert storm.events > 2_000
    assert set(once_each(storm).values()) == {1}
    assert once_each(storm).keys() == payments_and_ends(storm)
    assert storm.effects["retry"] > 100
