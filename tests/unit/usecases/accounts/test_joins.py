"""An operator decides on a customer that named an account: wherever a join is interrupted, it is
made in the end, and nothing is lost or twice.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.facts import GrantGiven, MilestoneReached
from chalicelib.domain.account.state import Grant
from chalicelib.domain.billing.plan_requests import PurchaseRequest
from chalicelib.domain.changes.event_feed import Query
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import AccountNotFound, NotPossible
from chalicelib.usecases.accounts.joins import dismiss, join
from chalicelib.usecases.billing.checkout import open_checkout
from chalicelib.usecases.ingestion.adopt import derived_id
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.reconciliation.reconcile import reconcile
from chalicelib.usecases.schedule.outbox import publish_outbox
from tests.fakes.adopted_lives import ACCOUNT, AdoptedLife
from tests.fakes.faults import Crash, OutsideCalls, crashing_after
from tests.fakes.simulated_lifecycles import returns
from tests.unit.usecases.accounts.test_erase import MemoryBeside
from tests.unit.usecases.ingestion.test_joins import CLAIM, account, made, paying, sold
from tests.unit.usecases.test_feed import Reader


@dataclass
class Beside(MemoryBeside):
    """Timelines can be moved too."""

    def move_timeline(self, account_id: str, to: str) -> None:
        for entry in list(self.place.timeline.entries.values()):
            if entry.account_id == account_id:
                self.place.timeline.put([replace(entry, account_id=to)])
        self.clear(account_id)


def refused(life: AdoptedLife) -> str:
    """The account of a customer who names Ada's and buys."""
    stranger = made(life, metadata=CLAIM)
    sold(life, stranger, metadata=CLAIM)
    return derived_id(stranger)


def joined(life: AdoptedLife, id: str, calls: OutsideCalls | None = None) -> str:
    beside: Any = Beside(life.place)
    services = life.place.services
    if calls:
        services = calls.watch(services, "accounts", "timeline", "stripe")
    return join(id, services, beside)


def types_of(life: AdoptedLife, id: str) -> list[str]:
    entries: list[Entry] = list(life.place.timeline.entries.values())
    return [entry.type for entry in entries if entry.account_id == id and entry.kind == "call"]


def waiting(life: AdoptedLife) -> list[str]:
    return [one.id for one in life.place.accounts.with_waiting_join()]


def test_a_joined_account_becomes_part_of_the_one_that_its_customer_named() -> None:
    life = paying()
    apart = refused(life)
    note = GrantGiven(Grant(life.now + timedelta(days=99), "scale", "sorry"))
    seen = MilestoneReached(next(iter(life.policy.milestones)), life.now)
    apply_facts(account(life, apart), [note, seen], life.place.services, None)
    theirs = account(life, apart)
    assert joined(life, apart) == ACCOUNT
    assert life.place.accounts.load(apart) is None
    found = life.account
    assert list(found.customers) == [life.customer, *theirs.customers]
    assert found.subscriptions.keys() > theirs.subscriptions.keys()
    assert (found.email, found.grants) == ("ada@example.com", theirs.grants)
    assert standing(found, life.policy, life.now).plan == "scale"
    assert waiting(life) == []
    assert types_of(life, ACCOUNT) == ["join.made"]
    kept = {entry.account_id for entry in life.place.timeline.entries.values()}
    assert kept == {ACCOUNT}, "the timeline goes along"


def test_what_happens_to_a_joined_customer_happens_to_the_account() -> None:
    life = paying()
    apart = refused(life)
    subscription = next(iter(account(life, apart).subscriptions))
    joined(life, apart)
    life.days(0.01)
    assert life.account.asks == ()
    life.post(f"/v1/subscriptions/{subscription}", cancel_at_period_end=True)
    assert life.account.subscriptions[subscription].value.cancel_at_period_end
    while reconcile(life.place.services):
        pass
    assert life.place.metrics["DriftsLeft"] == 0
    assert list(life.place.accounts.items) == [ACCOUNT]
    assert life.place.metrics["JoinsRefused"] == 1


def test_an_account_that_was_joined_cannot_be_joined_again() -> None:
    life = paying()
    apart = refused(life)
    joined(life, apart)
    with pytest.raises(AccountNotFound):
        joined(life, apart)
    with pytest.raises(NotPossible):
        joined(life, ACCOUNT)


def test_a_dismissed_join_stays_dismissed_whatever_comes_later() -> None:
    life = paying()
    apart = refused(life)
    before = account(life, apart)
    dismiss(apart, life.place.services)
    assert waiting(life) == []
    (customer,) = before.customers
    life.post(f"/v1/customers/{customer}", name="Eve", metadata=CLAIM)
    sold(life, customer, metadata=CLAIM)
    life.days(3)
    assert waiting(life) == []
    assert list(account(life, apart).customers) == [customer]
    assert types_of(life, apart) == ["join.dismissed"]
    for again in (lambda: joined(life, apart), lambda: dismiss(apart, life.place.services)):
        with pytest.raises(NotPossible):
            again()


def test_the_join_with_an_account_that_is_gone_can_only_be_dismissed() -> None:
    life = paying()
    apart = refused(life)
    life.place.accounts.erase(life.account, life.now)
    with pytest.raises(AccountNotFound, match="dismiss"):
        joined(life, apart)
    assert waiting(life) == [apart]
    dismiss(apart, life.place.services)
    assert waiting(life) == []


def test_an_erased_account_is_not_listed() -> None:
    life = paying()
    apart = refused(life)
    life.place.accounts.erase(account(life, apart), life.now)
    assert waiting(life) == []
    with pytest.raises(AccountNotFound):
        joined(life, apart)


def test_events_of_an_account_that_was_joined_keep_its_id_and_numbers() -> None:
    life = paying()
    apart = refused(life)
    note = GrantGiven(Grant(life.now + timedelta(days=99), "scale", "sorry"))
    apply_facts(account(life, apart), [note], life.place.services, None)
    before = life.account.events or 0
    theirs = account(life, apart).events
    assert theirs
    joined(life, apart)
    publish_outbox(ACCOUNT, life.place.services)
    assert life.place.timeline.numbers[apart] == theirs
    assert life.place.timeline.numbers[ACCOUNT] == life.account.events
    assert (life.account.events or 0) >= before
    feed = Reader(life.place, Query(account_id=apart)).reads()
    assert [id.partition(".")[0] for id in feed.seen] == [apart] * theirs


def test_a_join_interrupted_after_each_of_its_calls_and_made_again_ends_the_same() -> None:
    counted, whole = OutsideCalls(), paying()
    joined(whole, refused(whole), counted)
    assert len(counted.made) > 3
    for reply_lost in (True, False):
        for n in range(1, len(counted.made) + 1):
            life = paying()
            apart = refused(life)
            theirs = account(life, apart)
            with pytest.raises(Crash):
                joined(life, apart, crashing_after(n, reply_lost=reply_lost))
            if life.place.accounts.load(apart):
                joined(life, apart)
            assert list(life.place.accounts.items) == [ACCOUNT]
            assert list(life.account.customers) == [life.customer, *theirs.customers]
            assert life.account.subscriptions.keys() > theirs.subscriptions.keys()
            assert {one.account_id for one in life.place.timeline.entries.values()} == {ACCOUNT}
            assert set(life.place.accounts.owners.values()) == {ACCOUNT}


def test_a_checkout_that_was_opened_for_the_account_apart_is_closed() -> None:
    life = paying()
    apart = derived_id(made(life, metadata=CLAIM))
    url = open_checkout(apart, PurchaseRequest("pro"), returns, life.place.services)
    joined(life, apart)
    (session,) = life.stage.engine.store.all("checkout.session")
    assert (session["id"], session["status"]) == (url.rpartition("/")[2], "expired")


def test_the_address_of_a_joined_customer_is_never_the_accounts() -> None:
    life = paying()
    apart = refused(life)
    (customer,) = account(life, apart).customers
    joined(life, apart)
    life.post(f"/v1/customers/{customer}", email="eve@other.example")
    life.days(2)
    assert life.account.email == "ada@example.com"
    assert account(life, ACCOUNT).customers[customer].value.email == "eve@other.example"
