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
    """Customers of whom little was heard: one has bought, and one has left."""
    population = Population()
    left = population.customer(metadata={"account_id": "acct_left"})
    subscription = population.buys(left)
    population.hear()
    population.days(1)
    population.buys(population.customer(metadata={"account_id": "acct_bought"}))
    population.stage.call("DELETE", f"/v1/subscriptions/{subscription}")
    population.lose()
    return population


def undelivered() -> Population:
    """A customer about whom nothing could be delivered."""
    population = Population()
    population.buys(population.customer(metadata={"account_id": "acct_bought"}))
    for event in population.stage.engine.store.events:
        event["pending_webhooks"] = 1
    population.place.now.at += LATER
    population.stage.second += 3600
    return population


def go_on_comparing(population: Population, calls: OutsideCalls) -> None:
    reconcile(calls.watch(population.place.services))


def compare_later(population: Population, calls: OutsideCalls) -> None:
    for _ in range(3):
        population.place.now.at += timedelta(minutes=10)
        go_on_comparing(population, calls)


def end_of_comparison(population: Population) -> Any:
    round = population.place.job_states.load(Comparison)
    done = round and (round.ended_at is not None, round.listed, round.healed, round.left)
    accounts = {
        id: population.place.accounts.load(id) for id in sorted(population.place.accounts.items)
    }
    known = {
        id: (
            one.standing.access,
            sorted(held.value.status for held in one.subscriptions.values()),
            one.asks,
        )
        for id, one in accounts.items()
    }
    return done, sorted(map(repr, population.reported())), sorted(population.told()), known


def fetch(population: Population, calls: OutsideCalls) -> None:
    backfill_events(calls.watch(population.place.services))


def fetch_later(population: Population, calls: OutsideCalls) -> None:
    population.place.now.at += LATER
    fetch(population, calls)


def end_of_fetching(population: Population) -> Any:
    round = population.place.job_states.load(Undelivered)
    wanted = {message.id for message in messages(population.stage.engine.store.events)}
    fetched = {body for body, _ in population.place.events_queue.messages}
    return len(wanted) > 3, len(fetched), round and round.until


USE_CASES = (
    UseCase(
        "Compare with Stripe",
        "ten minutes later it continues with the page where it stopped",
        deaf,
        go_on_comparing,
        compare_later,
        end_of_comparison,
        clock=lambda population: population.place.now,
        stripe_faults=lambda population: population.stage.api.faults,
    ),
    UseCase(
        "Fetch undelivered events",
        "an hour later it continues with the page where it stopped",
        undelivered,
        fetch,
        fetch_later,
        end_of_fetching,
        clock=lambda population: population.place.now,
        stripe_faults=lambda population: population.stage.api.faults,
    ),
)
