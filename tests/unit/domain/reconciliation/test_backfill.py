"""How far the look through undelivered events has come: nothing counts before the
end of a round."""

from datetime import UTC, datetime, timedelta

from chalicelib.domain.reconciliation.backfill import (
    A_CALL,
    GROUPS,
    KEPT,
    OVERLAP,
    Undelivered,
    after,
    under_way,
)
from chalicelib.domain.stripe_objects.event_types import EVENT_TYPES
from chalicelib.domain.stripe_objects.pagination import ListCursor

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_every_wanted_type_is_looked_for_twenty_a_call() -> None:
    assert [type for group in GROUPS for type in group] == list(EVENT_TYPES)
    assert max(map(len, GROUPS)) <= A_CALL


def test_the_first_round_goes_back_as_far_as_stripe_does() -> None:
    first = under_way(None, NOW)
    assert (first.since, first.until, first.reached) == (NOW - KEPT, NOW, None)


def test_a_round_that_is_interrupted_anywhere_goes_on_and_counts_only_at_its_end() -> None:
    round, now = under_way(Undelivered(NOW, version=4), NOW + HOUR), NOW + HOUR
    assert round.since == NOW - OVERLAP
    steps = 0
    while round.until:
        assert under_way(round, now + 5 * HOUR) == round, "taken up where it was"
        assert round.reached == NOW
        steps += 1
        round = after(round, ListCursor(f"evt_{steps}", NOW) if steps % 3 else None)
    assert steps == 3 * len(GROUPS)
    assert (round.reached, round.version) == (NOW + HOUR, 4 + steps)
    assert under_way(round, NOW + 2 * HOUR).since == NOW + HOUR - OVERLAP


def test_a_round_of_a_release_with_more_groups_of_types_is_begun_anew() -> None:
    older = Undelivered(NOW, NOW - OVERLAP, NOW + HOUR, group=len(GROUPS), version=9)
    assert under_way(older, NOW + 2 * HOUR) == Undelivered(
        NOW, NOW - OVERLAP, NOW + 2 * HOUR, version=9
    )


def test_after_months_without_a_round_stripe_is_asked_for_no_more_than_it_keeps() -> None:
    assert under_way(Undelivered(NOW - 90 * timedelta(days=1)), NOW).since == NOW - KEPT
