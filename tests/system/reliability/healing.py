"""Use cases by which Billhook looks for what it has not heard of."""

from datetime import timedelta
from typing import Any

from chalicelib.domain.reconciliation.backfill import Undelivered
from chalicelib.domain.reconciliation.comparison import Comparison
from chalicelib.usecases.reconciliation.backfill import backfill_events
from chalicelib.usecases.reconciliation.reconcile import reconcile
from tests.fakes.faults import OutsideCalls
from tests.system.reliability.run import UseCase
from tests.unit.usecases.ingestion.test_ingest_recordings import messages
from tests.unit.usecases.reconciliation.test_reconcile import Population

LATER = timedelta(hours=1)


def deaf() -> Population:
    """A town of which little was heard: one has bought, and one has left."""
    town = Population()
    left = town.customer(metadata={"account_id": "acct_left"})
    subscription = town.buys(left)
    town.hear()
    town.days(1)
    town.buys(town.customer(metadata={"account_id": "acct_bought"}))
    town.stage.call("DELETE", f"/v1/subscriptions/{subscription}")
    town.lose()
    return town


def undelivered() -> Population:
    """A town of which nothing could be delivered."""
    town = Population()
    town.buys(town.customer(metadata={"account_id": "acct_bought"}))
    for event in town.stage.engine.store.events:
        event["pending_webhooks"] = 1
    town.place.now.at += LATER
    town.stage.second += 3600
    return town


def go_on_comparing(town: Population, calls: OutsideCalls) -> None:
    reconcile(calls.watch(town.place.services))


def compare_later(town: Population, calls: OutsideCalls) -> None:
    for _ in range(3):
        town.place.now.at += timedelta(minutes=10)
        go_on_comparing(town, calls)


def end_of_comparison(town: Population) -> Any:
    round = town.place.job_states.load(Comparison)
    done = round and (round.ended_at is not None, round.listed, round.healed, round.left)
    accounts = {id: town.place.accounts.load(id) for id in sorted(town.place.accounts.items)}
    known = {
        id: (
            one.standing.access,
            sorted(held.value.status for held in one.subscriptions.values()),
            one.asks,
        )
        for id, one in accounts.items()
    }
    return done, sorted(map(repr, town.reported())), sorted(town.told()), known


def fetch(town: Population, calls: OutsideCalls) -> None:
    backfill_events(calls.watch(town.place.services))


def fetch_later(town: Population, calls: OutsideCalls) -> None:
    town.place.now.at += LATER
    fetch(town, calls)


def end_of_fetching(town: Population) -> Any:
    round = town.place.job_states.load(Undelivered)
    wanted = {message.id for message in messages(town.stage.engine.store.events)}
    fetched = {body for body, _ in town.place.events_queue.messages}
    return len(wanted) > 3, len(fetched), round and round.until


USE_CASES = (
    UseCase(
        "Compare with Stripe",
        "ten minutes later it continues with the page where it stopped",
        deaf,
        go_on_comparing,
        compare_later,
        end_of_comparison,
        clock=lambda town: town.place.now,
        stripe_faults=lambda town: town.stage.api.faults,
    ),
    UseCase(
        "Fetch undelivered events",
        "an hour later it continues with the page where it stopped",
        undelivered,
        fetch,
        fetch_later,
        end_of_fetching,
        clock=lambda town: town.place.now,
        stripe_faults=lambda town: town.stage.api.faults,
    ),
)
