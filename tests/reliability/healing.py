"""Use cases by which Billhook looks for what it has not heard of."""

from datetime import timedelta
from typing import Any

from chalicelib.domain.comparison import Comparison
from chalicelib.domain.undelivered import Undelivered
from chalicelib.usecases.compare import compare
from chalicelib.usecases.undelivered import fetch_undelivered
from tests.faults import OutsideCalls
from tests.reliability.run import UseCase
from tests.usecases.test_compare import Town
from tests.usecases.test_take_in_recordings import messages

LATER = timedelta(hours=1)


def deaf() -> Town:
    """A town of which little was heard: one has bought, and one has left."""
    town = Town()
    left = town.customer(metadata={"account_id": "acct_left"})
    subscription = town.buys(left)
    town.hear()
    town.days(1)
    town.buys(town.customer(metadata={"account_id": "acct_bought"}))
    town.stage.call("DELETE", f"/v1/subscriptions/{subscription}")
    town.lose()
    return town


def undelivered() -> Town:
    """A town of which nothing could be delivered."""
    town = Town()
    town.buys(town.customer(metadata={"account_id": "acct_bought"}))
    for event in town.stage.engine.store.events:
        event["pending_webhooks"] = 1
    town.place.now.at += LATER
    town.stage.second += 3600
    return town


def go_on_comparing(town: Town, calls: OutsideCalls) -> None:
    compare(calls.watch(town.place.world))


def compare_later(town: Town, calls: OutsideCalls) -> None:
    for _ in range(3):
        town.place.now.at += timedelta(minutes=10)
        go_on_comparing(town, calls)


def end_of_comparison(town: Town) -> Any:
    round = town.place.rounds.load(Comparison)
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


def fetch(town: Town, calls: OutsideCalls) -> None:
    fetch_undelivered(calls.watch(town.place.world))


def fetch_later(town: Town, calls: OutsideCalls) -> None:
    town.place.now.at += LATER
    fetch(town, calls)


def end_of_fetching(town: Town) -> Any:
    round = town.place.rounds.load(Undelivered)
    wanted = {message.id for message in messages(town.stage.engine.store.events)}
    fetched = {body for body, _ in town.place.events_queue.messages}
    return len(wanted) > 3, len(fetched), round and round.until


USE_CASES = (
    UseCase(
        "Compare with what Stripe lists",
        "ten minutes later it goes on with the page on which it ended",
        deaf,
        go_on_comparing,
        compare_later,
        end_of_comparison,
        clock=lambda town: town.place.now,
        stripe_faults=lambda town: town.stage.api.faults,
    ),
    UseCase(
        "Fetch what was not delivered",
        "an hour later it goes on with the page on which it ended",
        undelivered,
        fetch,
        fetch_later,
        end_of_fetching,
        clock=lambda town: town.place.now,
        stripe_faults=lambda town: town.stage.api.faults,
    ),
)
