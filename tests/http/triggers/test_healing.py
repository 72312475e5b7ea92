"""The hourly and the daily job over Stripe's lists, called as Lambda calls them, with a table
and queues on moto.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.errors import Refused, Unavailable
from chalicelib.domain.reconciliation.backfill import Undelivered
from chalicelib.domain.reconciliation.comparison import Comparison
from chalicelib.domain.stripe_objects.answers import ListEntry
from chalicelib.domain.stripe_objects.event_types import EVENT_TYPES
from chalicelib.domain.stripe_objects.pagination import ListCursor, Page
from chalicelib.entry.triggers.schedules import compare_with_stripe, fetch_events
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.stripe_api import answers
from chalicelib.usecases.ingestion.ingest import ingest
from local.aws.lambda_context import LambdaContext
from local.aws.sdk_calls import passing_through
from local.recordings import Recording
from tests.fakes.services import RECORDINGS
from tests.http.conftest import Stage, stage  # noqa: F401 - the fixture
from tests.http.triggers.test_mail_queue import TICK
from tests.unit.usecases.ingestion.test_ingest_recordings import messages


@dataclass
class Lists:
    """Stripe's lists, two objects a page."""

    events: list[Any] = field(default_factory=list)
    subscriptions: list[Any] = field(default_factory=list)
    failure: Exception | None = None
    asked: int = 0

    def undelivered_events(
        self, types: Any, since: datetime, place: ListCursor | None
    ) -> Page[str]:
        wanted = [event for event in self.events if event["type"] in types]
        return self._page(wanted, answers.event_body, place)

    def live_subscriptions(self, place: ListCursor | None) -> Page[ListEntry]:
        return self._page(self.subscriptions, answers.list_entry, place)

    def ended_subscriptions(self, since: datetime, place: ListCursor | None) -> Page[ListEntry]:
        return self._page([], answers.list_entry, place)

    def _page(self, things: list[Any], read: Any, place: ListCursor | None) -> Page[Any]:
        self.asked += 1
        if self.failure:
            raise self.failure
        start = next(
            (number for number, thing in enumerate(things, 1) if place and thing["id"] == place.id),
            0,
        )
        page = things[start : start + 2]
        return Page(
            [read(one) for one in page],
            ListCursor(page[-1]["id"], clock.now()) if len(things) > start + 2 else None,
        )


@dataclass
class Watch:
    """A stage, Stripe's lists, and a history whose trial began an hour ago."""

    stage: Stage
    lists: Lists
    history: Recording

    def fetches(self) -> None:
        fetch_events(TICK, LambdaContext("fetch_events", 120))

    def compares(self) -> None:
        compare_with_stripe(TICK, LambdaContext("compare_with_stripe", 120))


@pytest.fixture
def watch(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Watch:
    lists = Lists()
    monkeypatch.setattr("chalicelib.stripe_api.listing.StripeListing", lambda *_: lists)
    history = RECORDINGS["trial_converts"].moved_to(
        int((clock.now() - timedelta(hours=1)).timestamp())
    )
    stage.stripe.truth = history.truth(5)
    return Watch(stage, lists, history)


def test_undelivered_events_go_through_the_queue_like_all_others(watch: Watch) -> None:
    watch.lists.events = watch.history.events[:5][::-1]
    watch.fetches()
    assert watch.stage.work() == set()
    account = wiring.accounts().load("acct_demo")
    assert account
    assert account.standing
    assert account.standing.reason == "trialing"
    state = wiring.services().stores.job_states.load(Undelivered)
    assert state
    assert (state.until, state.reached is None) == (None, False)
    assert watch.stage.metrics()["EventsFetched"] == len(
        [event for event in watch.lists.events if event["type"] in EVENT_TYPES]
    )


def test_a_digest_that_cannot_be_queued_delays_no_event_and_fails_the_function(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise Unavailable("SQS gives no answer now.")

    monkeypatch.setattr("chalicelib.entry.triggers.schedules.enqueue_digests", fail)
    watch.lists.events = watch.history.events[:5][::-1]
    with pytest.raises(Unavailable):
        watch.fetches()
    assert watch.stage.work() == set()
    assert wiring.accounts().load("acct_demo")


@pytest.mark.parametrize(
    ("failure", "metric"),
    [(Unavailable("429"), "ListsUnanswered"), (Refused("403"), "ListsRefused")],
)
def test_a_list_that_stripe_does_not_answer_is_counted_and_changes_nothing(
    watch: Watch, failure: Exception, metric: str
) -> None:
    """14."""
    watch.lists.failure = failure
    watch.fetches()
    watch.compares()
    assert watch.stage.metrics()[metric] == 2
    for work in ("A comparison", "Fetching events"):
        (interrupted,) = watch.stage.logged(f"{work} was interrupted")
        assert interrupted["failure"] == type(failure).__name__
        assert interrupted["where"][-1].endswith(" _page")
    assert (
        wiring.services().stores.job_states.load(Undelivered)
        is wiring.services().stores.job_states.load(Comparison)
        is None
    )


def test_after_a_failure_on_the_second_page_the_next_run_continues_there(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.lists.events = watch.history.events[:5][::-1]
    page = watch.lists._page

    def once(things: list[Any], read: Any, place: ListCursor | None) -> Page[Any]:
        if place:
            raise Unavailable("429")
        return page(things, read, place)

    with monkeypatch.context() as patch:
        patch.setattr(watch.lists, "_page", once)
        watch.fetches()
    state = wiring.services().stores.job_states.load(Undelivered)
    assert state
    assert (state.reached, state.place is not None) == (None, True)
    watch.fetches()
    fetched = [
        json.loads(one["Body"])["id"] for one in watch.stage.messages(watch.stage.events_queue)
    ]
    wanted = [event["id"] for event in watch.lists.events if event["type"] in EVENT_TYPES]
    assert sorted(fetched) == sorted(wanted), (
        "each once: the second run began where the first one ended"
    )
    ended = wiring.services().stores.job_states.load(Undelivered)
    assert ended
    assert ended.reached == state.until


def test_a_queue_that_refuses_keeps_the_page_to_be_fetched_again(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.lists.events = watch.history.events[:1]

    def refuse(*_: object) -> None:
        raise Unavailable("The queue did not take the message: repeat it.")

    with monkeypatch.context() as patch:
        patch.setattr(wiring.events_queue(), "send", refuse)
        watch.fetches()
    assert wiring.services().stores.job_states.load(Undelivered) is None
    watch.fetches()
    assert [
        json.loads(one["Body"])["id"] for one in watch.stage.messages(watch.stage.events_queue)
    ] == [watch.lists.events[0]["id"]]


def test_a_comparison_finds_what_no_event_reported_and_puts_it_onto_the_timeline(
    watch: Watch,
) -> None:
    watch.lists.subscriptions = list(watch.history.truth(5).subscriptions.values())
    watch.compares()
    comparison = wiring.services().stores.job_states.load(Comparison)
    assert comparison
    assert comparison.ended_at
    assert (comparison.listed, comparison.healed, comparison.left) == (1, 1, 0)
    assert (
        watch.stage.get("/accounts/acct_demo/access", watch.stage.key("access")).body["reason"]
        == "trialing"
    )
    entries = watch.stage.get("/accounts/acct_demo/timeline", watch.stage.key("read")).body[
        "entries"
    ]
    (drift,) = [entry for entry in entries if entry["kind"] == "drift"]
    assert (drift["type"], drift["data"]["what"]) == ("drift.healed", ["unknown here"])
    asked = watch.lists.asked
    watch.compares()
    assert watch.lists.asked == asked, "today's is done"
    assert watch.stage.metrics()["DriftsHealed"] == 1


def test_an_account_that_cannot_be_compared_is_logged_with_its_failure_and_no_personal_data(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("ada@example.com")

    monkeypatch.setattr(wiring.accounts(), "save", fail)
    watch.lists.subscriptions = list(watch.history.truth(5).subscriptions.values())
    watch.compares()
    (told,) = watch.stage.logged("An account was not compared")
    assert told["customer"] == watch.lists.subscriptions[0]["customer"]
    assert told["failure"] == "RuntimeError"
    assert told["where"][-1].endswith(" fail")
    assert "ada@example.com" not in watch.stage.everything_said()
    assert watch.stage.metrics()["ComparisonsBroken"] == 1


def test_a_comparison_that_agrees_costs_the_same_however_many_accounts_are_on_a_page(
    watch: Watch,
) -> None:
    ingest(messages(watch.history.events[:5]), wiring.services())
    watch.lists.subscriptions = list(watch.history.truth(5).subscriptions.values())
    watch.stage.stripe.asked.clear()
    made: list[str] = []

    def counted(service: str, operation: str, parameters: Any, call: Any) -> Any:
        made.append(operation)
        return call(operation, parameters)

    with passing_through(counted):
        watch.compares()
    assert made == [
        "GetItem",
        "PutItem",
        *["PutItem", "BatchGetItem", "PutItem"],
        *["PutItem", "PutItem"],
        *["Scan", "Query", "PutItem"],
        *["Query", "PutItem"],
    ]
    assert watch.stage.stripe.asked == []
