"""Each account while a stage is restored: nobody gets a mail twice, Stripe's state counts, and
any call may be the last.
"""

import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.items import Item
from chalicelib.domain.account.facts import CustomerSnapshot, MilestoneReached
from chalicelib.domain.account.ordering import FromEvent
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.stripe_objects.objects import Customer
from chalicelib.usecases.schedule.process_due import process_due_account
from ops.recovery.restore.restore import restore
from ops.recovery.restore.tables import Run
from tests.fakes.faults import Crash, OutsideCalls, crashing_after
from tests.fakes.lifecycles import DAY, START, Life
from tests.fakes.services import POLICY, FakeServices
from tests.fakes.simulated_lifecycles import SimLife


@dataclass
class MemoryTables:
    """A restored table from services in memory, and the run."""

    place: FakeServices
    held: dict[str, Item]
    run: Run | None = None
    source: str = "restored"

    def load_run(self) -> Run | None:
        return self.run

    def save_run(self, run: Run) -> None:
        self.run = run

    def page(self, cursor: str | None, now: datetime) -> tuple[list[Item], str | None]:
        ids = sorted(id for id in self.held if id > (cursor or ""))
        return [self.held[id] for id in ids[:2]], ids[1] if len(ids) > 2 else None

    def pair(self, was: Account) -> tuple[Account, Account]:
        return was, self.place.accounts.load(was.id) or Account(was.id)

    def put_missing(self, items: list[Item]) -> int:
        return 0


@dataclass
class Lost:
    """Customers with a backup of one day that is restored on another; what was written in
    between is lost, or a part of it.
    """

    life: Life
    held: dict[str, Item] = field(default_factory=dict)

    def backup(self) -> "Lost":
        self.held = copy.deepcopy(self.life.place.accounts.items)
        return self

    def restore(self, all_is_lost: bool) -> "Lost":
        if all_is_lost:
            self.life.place.accounts.items.clear()
            self.life.claims.kept.clear()
            self.life.place.mail_queue.waiting.clear()
        restore(
            MemoryTables(self.life.place, self.held),
            self.life.place.services,
            lambda line: None,
            at_once=1,
        )
        return self


@pytest.mark.parametrize("all_is_lost", [True, False])
@pytest.mark.parametrize(
    ("backup", "restored_on"),
    [(0.001, 1), (0.001, 6.5), (2, 7), (5, 9), (5, 11.5), (10, 13.2), (12.9, 13.1), (6, 20)],
)
def test_over_a_restoration_no_lifecycle_mail_goes_out_twice(
    backup: float, restored_on: float, all_is_lost: bool
) -> None:
    life = Life(place=FakeServices(policy=POLICY))
    lost = Lost(life.begins().days(backup)).backup()
    life.days(restored_on)
    lost.restore(all_is_lost)
    life.days(40)
    keys = [one.key for one in life.mails if one.letter.tags["stream"] == "lifecycle"]
    assert len(keys) == len(set(keys))
    untouched = [one.key for one in Life().begins().days(40).mails]
    assert set(keys) <= set(untouched)
    if not all_is_lost:
        assert [one.key for one in life.mails] == untouched, (
            "with what is known of the time since, nothing is lost either"
        )


@pytest.mark.parametrize("reply_lost", [True, False])
def test_a_restoration_interrupted_after_any_call_is_finished_by_the_same_again(
    reply_lost: bool,
) -> None:
    """Each account once: the epoch counts the restorations."""

    def lived(calls: OutsideCalls) -> FakeServices:
        place = FakeServices()
        for n in range(5):
            one = apply(
                Account(f"acc_{n}"), CustomerSnapshot(Customer(f"cus_{n}"), FromEvent(START))
            )
            place.accounts.save(Account(one.id), replace(one, version=1))
        tables = MemoryTables(place, copy.deepcopy(place.accounts.items))
        place.accounts.items.pop("acc_3")
        for _ in range(2):
            watched = calls.watch(calls.watch(place.services), "accounts")
            try:
                restore(_Watching(tables, calls), watched, lambda line: None, at_once=1)
            except Crash:
                continue
        return place

    counted = OutsideCalls()
    whole = lived(counted)
    assert len(counted.made) > 20
    assert {(one["epoch"]["N"]) for one in whole.accounts.items.values()} == {"1"}
    for n in range(1, len(counted.made) + 1):
        assert (
            lived(crashing_after(n, reply_lost=reply_lost)).accounts.items == whole.accounts.items
        )


class _Watching:
    def __init__(self, tables: MemoryTables, calls: OutsideCalls) -> None:
        self._tables, self._calls, self.source = tables, calls, tables.source

    def __getattr__(self, verb: str) -> Any:
        return lambda *args: self._calls.call(f"tables.{verb}", getattr(self._tables, verb), *args)


def subscriber() -> tuple[SimLife, dict[str, Item]]:
    """Somebody on trial with a card, and the backup of the fifth day."""
    life = SimLife()
    life.sign_up()
    life.hear()
    life.days(1).gives_card()
    life.days(5)
    return life, copy.deepcopy(life.place.accounts.items)


@pytest.mark.parametrize("all_is_lost", [True, False])
def test_what_stripe_knows_is_learnt_again_before_the_account_is_written(all_is_lost: bool) -> None:
    """Restored into the time after a payment: access never closes in between."""
    life, held = subscriber()
    life.days(16)
    truth = life.account
    assert life.stands() == ("full", "active")
    if all_is_lost:
        life.place.accounts.items.clear()
    restore(MemoryTables(life.place, held), life.services, lambda line: None, at_once=1)
    assert life.stands() == ("full", "active")
    assert life.account.asks == ()
    assert {id: known.value for id, known in life.account.subscriptions.items()} == {
        id: known.value for id, known in truth.subscriptions.items()
    }
    assert life.account.invoices.keys() == truth.invoices.keys()
    assert "access.revoked" not in [one.type for one in life.account.outbox]


def test_with_stripe_down_the_questions_are_on_the_agenda_and_are_asked_by_themselves() -> None:
    life, held = subscriber()
    life.stage.call("DELETE", f"/v1/subscriptions/{life.only('subscription')['id']}")
    life.heard = len(life.stage.engine.store.events)  # and its events are lost
    life.fault("503", 6, method="GET")
    restore(MemoryTables(life.place, held), life.services, lambda line: None, at_once=1)
    assert len(life.account.asks) == 3
    assert life.stands() == ("full", "trialing")
    life.stage.api.faults.clear()
    life.place.now.at += timedelta(minutes=5)
    assert process_due_account(life.account_id, life.services).effect == "acted"
    assert life.stands() == ("none", "canceled")


def test_an_account_that_hears_news_while_it_is_restored_keeps_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    life, held = subscriber()
    tables = MemoryTables(life.place, held)
    pair, told = tables.pair, []

    def pair_and_then_news(was: Account) -> tuple[Account, Account]:
        found = pair(was)
        if not told:
            told.append(True)
            account = life.account
            life.place.accounts.save(
                account,
                replace(
                    apply(account, MilestoneReached("connected_data", START + DAY)),
                    version=account.version + 1,
                ),
            )
        return found

    monkeypatch.setattr(tables, "pair", pair_and_then_news)
    restore(tables, life.services, lambda line: None, at_once=1)
    assert life.account.milestones == {"connected_data": START + DAY}
    assert life.account.epoch == 1


def test_the_rate_is_kept() -> None:
    place = FakeServices()
    for n in range(7):
        place.accounts.save(Account(f"acc_{n}"), Account(f"acc_{n}", 1))
    waited: list[float] = []
    restore(
        MemoryTables(place, dict(place.accounts.items)),
        replace(place.services, clock=replace(place.services.clock, pause=waited.append)),
        lambda line: None,
        rate=2,
        at_once=1,
    )
    assert waited == [0.5] * 7
