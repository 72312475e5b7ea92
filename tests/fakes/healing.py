"""The recorded histories lived again at a simulated Stripe, with Billhook beside it that hears some
of it: the rest it has to find out.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.fetch_requests import everything_of
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import Unavailable
from chalicelib.runtime.wiring import stripe_over
from chalicelib.usecases.ingestion.answers import fetch
from chalicelib.usecases.ingestion.ingest import Message, ingest
from chalicelib.usecases.reconciliation.backfill import backfill_events
from chalicelib.usecases.reconciliation.reconcile import reconcile
from chalicelib.usecases.schedule.process_due import process_due_account
from chalicelib.usecases.services import Services
from tests.fakes.faults import Crash, OutsideCalls
from tests.fakes.services import QUIET, FakeServices, at
from tests.fakes.simulated_lifecycles import SimTransport
from tests.system.local.stripe_sim.test_replay import SCRIPTS, Replay

HEARD, LOST, UNDELIVERED = "heard", "lost", "undelivered"
"""What becomes of an event: `lost` is one that was acknowledged, so that Stripe believes it
delivered.
"""

Fate = Callable[[Any], str]
TWO_DAYS = 2 * 86_400


def some(seed: int, share: float = 0.5, how: str = LOST) -> Fate:
    """A share of the events never arrives."""
    chance = Random(seed)
    return lambda event: how if chance.random() < share else HEARD


def all_but_the_first(how: str = LOST) -> Fate:
    """Only the first event about a customer arrives."""
    heard: list[str] = []

    def fate(event: Any) -> str:
        if event["type"].startswith("customer") and not heard:
            heard.append(event["id"])
        return HEARD if event["id"] in heard else how

    return fate


class Healing(Replay):
    """One history. `play` it, or some steps of it; then let `two_days` pass. The looks at Stripe's
    lists come every `every` hours.
    """

    def __init__(self, name: str, fate: Fate, every: int = 6, looks: bool = True) -> None:
        super().__init__(SCRIPTS[name])
        transport = SimTransport(self.stage)
        self.place = FakeServices(
            policy=QUIET,
            stripe=stripe_over(transport),
        )
        self.calls = OutsideCalls()
        self.fate, self.every, self.looks = fate, timedelta(hours=every), looks
        self.place.now.at = self.looked = at(self.stage.second)
        self.seen = self.first_event

    @property
    def services(self) -> Services:
        return self.calls.watch(self.place.services)

    @property
    def now(self) -> datetime:
        return self.place.now.at

    def step(self, step: Any) -> None:
        if step["do"] == "advance":
            self.advance(at(step["to"]))
            return
        super().step(step)
        self.hear()

    def two_days(self) -> "Healing":
        self.advance(self.now + timedelta(seconds=TWO_DAYS))
        return self

    def advance(self, to: datetime) -> None:
        """What falls due here and at Stripe happens at its moment."""
        for _ in range(20_000):
            theirs = self.stage.engine.next_due()
            dues = [
                one for one in (*self.due(), at(theirs) if theirs else None) if one and one <= to
            ]
            if self.looks:
                dues.append(self.looked + self.every)
            if not [one for one in dues if one <= to]:
                break
            self.stop_at(min(dues))
        else:
            raise AssertionError("something is due for ever")
        self.stop_at(to)

    def due(self) -> list[datetime]:
        return [at for id in self.place.accounts.items if (at := self.due_at(id))]

    def due_at(self, id: str) -> datetime | None:
        """As the index has it."""
        item = self.place.accounts.items.get(id, {})
        return datetime.fromisoformat(item["due_at"]["S"]) if "due_at" in item else None

    def stop_at(self, moment: datetime) -> None:
        self.place.now.at = max(self.now, moment)
        self.stage.advance(int(self.now.timestamp()))
        self.hear()
        for id in list(self.place.accounts.items):
            before = self.due_at(id)
            if before and before <= self.now:
                process_due_account(id, self.services)
                if self.due_at(id) == before:
                    raise AssertionError("acting did not move what was due")
        if self.looks and self.now >= self.looked + self.every:
            self.looked = self.now
            self.look()

    def look(self) -> None:
        """What the schedules do: fetch what was not delivered, and go on with the comparison."""
        for work in (backfill_events, reconcile):
            self.again(lambda work=work: work(self.services))  # type: ignore[misc]
            self.work()

    def work(self) -> None:
        """What was fetched is taken in."""
        waiting, self.place.events_queue.messages = self.place.events_queue.messages, []
        for body, _ in waiting:
            (outcome,) = ingest([Message("fetched", body)], self.place.services)
            if outcome.effect == "retry":
                assert isinstance(outcome.failure, Unavailable)
                self.place.events_queue.send(body)

    def again(self, work: Callable[[], Any]) -> None:
        """A process that ends is begun again."""
        try:
            work()
        except Crash:
            work()

    def hear(self) -> None:
        fresh = self.stage.engine.store.events[self.seen :]
        self.seen += len(fresh)
        for event in fresh:
            fate = self.fate(event)
            event["pending_webhooks"] = int(fate == UNDELIVERED)
            if fate == HEARD:
                ingest([Message("heard", json.dumps(event))], self.place.services)

    @property
    def customer(self) -> str:
        (customer,) = self.stage.engine.store.objects["customer"].values()
        return str(customer["id"])

    @property
    def account(self) -> Account:
        found = self.place.accounts.load("acct_demo")
        assert found
        return found

    @property
    def stands(self) -> Standing:
        return standing(self.account, QUIET, self.now)

    @property
    def truth(self) -> Account:
        """The account of one who asks Stripe for everything now."""
        account = Account("acct_demo")
        for ask in everything_of(self.customer):
            account = apply(account, fetch(self.place.stripe.reader, ask, account, self.now)[0])
        return account

    def assert_true(self) -> None:
        """All that a decision hangs on is as Stripe has it."""
        truth, held = self.truth, self.account
        assert {id: known.value for id, known in held.subscriptions.items()} == {
            id: known.value for id, known in truth.subscriptions.items()
        }
        assert self.stands == standing(truth, QUIET, self.now)
