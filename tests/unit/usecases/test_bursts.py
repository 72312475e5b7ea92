"""Bursts: many events while something fails. Nothing is lost, nothing is doubled, and access is
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


def assert_right_by_the_clock(burst: Burst) -> None:
    """What each may use now is what Stripe held at some moment since all must have been heard of,
    read by the clock of now.
    """
    since, accounts = burst.known_since(), burst.accounts
    for history in burst.histories:
        first, last = history.happened(since), history.happened(burst.now)
        account = accounts.get(history.account_id)
        if account is None:
            assert first == 0, "nobody is forgotten"
            continue
        stands = burst.standing_of(account)
        assert stands.until is None or stands.until > burst.now
        right = {
            burst.standing_of(history.known(events)).access
            for events in range(max(first, 1), last + 1)
        }
        assert stands.access in right | ({"none"} if not first else set()), (
            history.account_id,
            stands,
            right,
        )


def assert_nothing_waits_longer_than_it_must(burst: Burst) -> None:
    """With the stream dead the agenda carries out what happened, a minute later; with the sweep
    dead the stream does.
    """
    if burst.is_out("table") or (burst.is_out("stream") and burst.is_out("sweep")):
        return
    fresh = burst.now - LATE
    assert [
        id
        for id, account in burst.accounts.items()
        if account.outbox and account.outbox[0].at < fresh
    ] == []


def assert_all_is_well(burst: Burst) -> None:
    """The end: every account is as Stripe has it, all is told once, and no work is left."""
    told, accounts = burst.told(), burst.accounts
    assert not burst.coming
    for history in burst.histories:
        truth, account = history.known(len(history.moments)), accounts[history.account_id]
        for kind in ("subscriptions", "invoices"):
            held, true = (
                {id: one.value for id, one in getattr(one, kind).items()}
                for one in (account, truth)
            )
            assert held == true
        assert burst.standing_of(account) == burst.standing_of(truth)
        assert not account.asks
        assert not account.outbox
        assert account.due_at is None or account.due_at > burst.now
        access = [
            (one.data["access_before"] or "none", one.data["access"])
            for one in told[history.account_id]
            if one.type.startswith("access.")
        ]
        assert [after for _, after in access[:-1]] == [before for before, _ in access[1:]], (
            "each change of access is told once, and none is left out"
        )
        assert (access[-1][1] if access else "none") == burst.standing_of(account).access
    assert (
        burst.place.metrics["ActsFailed"]
        == burst.place.metrics["AccountsDead"]
        == burst.effects["dead_lettered"]
        == 0
    )


def once_each(burst: Burst) -> Counter[tuple[str, str]]:
    """What is told once for each thing, whatever came between: payments, and ends
    of subscriptions."""
    about = {"payment.succeeded": "invoice", "subscription.canceled": "subscription"}
    return Counter(
        (one.type, str(one.data[about[one.type]]))
        for one in burst.log.happenings.values()
        if one.type in about
    )


def payments_and_ends(burst: Burst) -> set[tuple[str, str]]:
    """The same, as the events of all histories say."""
    return {
        (type, event["data"]["object"]["id"])
        for history in burst.histories
        for event in history.recording.events
        for type in [
            {
                "invoice.paid": "payment.succeeded",
                "customer.subscription.deleted": "subscription.canceled",
            }.get(event["type"])
        ]
        if type and event["data"]["object"].get("amount_paid", 1)
    }


def burst_of(accounts: int, *kinds: str) -> Burst:
    looks: Counter[str] = Counter()

    def look(burst: Burst) -> None:
        if burst.now < burst.begin + END and not burst.failing(timedelta(hours=1)):
            return
        assert_right_by_the_clock(burst)
        assert_nothing_waits_longer_than_it_must(burst)
        looks.update(kind for kind in kinds if burst.is_out(kind))

    burst = Burst(accounts, at_every_burst(*kinds))
    burst.run(burst.begin + END, look, LOOKS)
    assert_all_is_well(burst)
    assert all(looks[kind] for kind in kinds), "there were looks in the middle of each"
    return burst


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_or_doubled_while_one_thing_fails(kind: str) -> None:
    burst = burst_of(16, kind)
    assert set(once_each(burst).values()) == {1}
    assert once_each(burst).keys() == payments_and_ends(burst)


def test_two_thousand_events_with_everything_failing_at_once() -> None:
    burst = burst_of(128, *KINDS)
    assert burst.events > 2_000
    assert set(once_each(burst).values()) == {1}
    assert once_each(burst).keys() == payments_and_ends(burst)
    assert burst.effects["retry"] > 100
