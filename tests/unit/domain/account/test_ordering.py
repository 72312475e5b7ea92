"""Which news is the newer: within a second, around an answer of Stripe's, and at
the end of a life."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.account.ordering import ASKED_WINDOW, FromEvent, FromFetch, Tracked, newest
from chalicelib.domain.stripe_objects.objects import Customer, Subscription, digest

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
STATES = {card: Customer("cus_1", card=card) for card in "abcdef"}
A, B, C = STATES["a"], STATES["b"], STATES["c"]


def event(second: int = 0, before: Customer | None = None, **more: bool) -> FromEvent:
    return FromEvent(T + timedelta(seconds=second), digest(before) if before else None, **more)


def heard(*news: tuple[Customer, FromEvent | FromFetch]) -> Tracked[Customer] | None:
    """What is known after the news; None if Stripe is to be asked."""
    known: Tracked[Customer] | None = None
    for value, by in news:
        known = newest(known, value, by)
    return None if known is None or known.doubts else known


def in_doubt(known: Tracked[Customer] | None) -> bool:
    return known is None or bool(known.doubts)


def test_older_news_changes_nothing_and_newer_news_does() -> None:
    known = heard((A, event(5)))
    assert known is not None
    assert newest(known, B, event(4)) == known
    assert newest(known, B, event(6)) == Tracked(B, T + timedelta(seconds=6), trail=(digest(B),))


def test_the_same_state_told_again_later_moves_what_was_seen() -> None:
    """Else news from between, arriving last, would win."""
    known = heard((A, event(0)), (A, event(9)), (B, event(5)))
    assert known
    assert known.value == A


def test_a_tie_without_proof_is_for_stripe_to_settle() -> None:
    assert heard((A, event()), (B, event())) is None


@pytest.mark.parametrize("length", [2, 3, 4])
def test_previous_attributes_prove_the_order_within_a_second(length: int) -> None:
    """Whatever the order of arrival: where no link is missing the last state is known, where one is
    missing Stripe is asked.
    """
    states = [STATES[card] for card in "abcdef"[: length + 1]]
    links = [(now, event(0, before)) for before, now in pairwise(states)]
    for order in permutations(links):
        known = heard(*order)
        assert known is None or known.value == states[-1]
    in_order, reverse = heard(*links), heard(*links[::-1])
    assert in_order
    assert reverse
    assert in_order.value == reverse.value == states[-1]


@given(
    st.lists(st.sampled_from("abcd"), min_size=3, max_size=6).filter(
        lambda path: all(x != y for x, y in pairwise(path))
    ),
    st.data(),
)
def test_a_second_that_comes_back_to_a_state_never_ends_in_a_wrong_one(
    path: list[str], data: st.DataObject
) -> None:
    """On, off, on within a second: a tie, or the truth."""
    states = [STATES[card] for card in path]
    links = [(now, event(0, before)) for before, now in pairwise(states)]
    known = heard(*data.draw(st.permutations(links)))
    assert known is None or known.value == states[-1]


def test_a_creation_is_the_first_of_its_second() -> None:
    born = (A, event(0, is_creation=True))
    assert heard(born, (B, event())) == heard((B, event()), born)
    later = heard((B, event(0, A)), born)
    assert later
    assert later.value == B


def test_a_repeat_is_nothing_new() -> None:
    for news in [(A, event()), (B, event(0, A)), (A, event(0, is_creation=True))]:
        assert heard(news, news) == heard(news)


def test_news_near_an_answer_that_differs_is_a_tie_again() -> None:
    known = heard((A, FromFetch(T, "")))
    assert known
    for second in (-10, -1, 0, 1, 10):
        assert in_doubt(newest(known, B, event(second)))
        assert newest(known, A, event(second)) == known
    assert newest(known, B, event(-11)) == known
    after = newest(known, B, event(11))
    assert after
    assert (after.value, after.asked) == (B, False)
    assert timedelta(seconds=10) == ASKED_WINDOW


def test_an_answer_counts_where_nothing_was_heard_since_it_was_asked_for() -> None:
    """Whatever the clocks: ours may be an hour behind Stripe's."""
    known = heard((A, event(0)))
    assert known
    answered = newest(known, B, FromFetch(T - timedelta(hours=1), known.mark))
    assert answered
    assert (answered.value, answered.seen, answered.asked, answered.trail) == (
        B,
        T,
        True,
        (digest(B),),
    )


def test_an_answer_overtaken_by_fresher_news_does_not_count() -> None:
    asked_at = heard((A, event(0)))
    assert asked_at
    fresher = newest(asked_at, B, event(60))
    assert newest(fresher, C, FromFetch(T + timedelta(seconds=5), asked_at.mark)) == fresher
    near = newest(asked_at, B, event(6))
    assert in_doubt(newest(near, C, FromFetch(T + timedelta(seconds=5), asked_at.mark)))
    late = newest(asked_at, B, event(6))
    assert newest(late, C, FromFetch(T + timedelta(seconds=60), asked_at.mark)) == Tracked(
        C, T + timedelta(seconds=60), True, (digest(C),)
    )


def test_of_two_answers_that_cross_the_one_begun_last_counts() -> None:
    asked_at = heard((A, event(0)))
    assert asked_at
    early, late = (
        FromFetch(T + timedelta(seconds=20), asked_at.mark),
        FromFetch(T + timedelta(seconds=40), asked_at.mark),
    )
    for order in permutations([(B, early), (C, late)]):
        known: Tracked[Customer] | None = asked_at
        for value, by in order:
            known = newest(known, value, by)
        assert known
        assert known.value == C


def test_old_news_of_something_never_heard_of_is_asked_for() -> None:
    assert newest(None, A, event(0, stale=True)) is None
    assert newest(None, replace(A, deleted=True), event(0, stale=True)) is not None, (
        "what has ended grants nothing"
    )


def test_what_has_ended_never_rises_again() -> None:
    live = Subscription("sub_1", "cus_1", "active", T)
    gone = replace(live, status="canceled")
    for order in permutations(
        [
            (live, FromEvent(T)),
            (gone, FromEvent(T + timedelta(seconds=1))),
            (live, FromEvent(T + timedelta(seconds=2))),
        ]
    ):
        known: Tracked[Subscription] | None = None
        for value, by in order:
            known = newest(known, value, by)
        assert known
        assert known.value == gone
    ended = newest(None, gone, FromEvent(T))
    assert newest(ended, live, FromFetch(T + timedelta(days=1), "")) == ended


def test_an_answer_to_an_earlier_question_does_not_settle_a_later_doubt() -> None:
    """One writer asks; another hears a tie that Stripe cannot settle for it; the first one's answer
    must not wipe that out.
    """
    asked_at = heard((A, FromFetch(T, "")))
    assert asked_at
    doubted = newest(asked_at, B, event(5))
    assert doubted
    assert doubted.mark != asked_at.mark
    overtaken = newest(doubted, C, FromFetch(T + timedelta(seconds=6), asked_at.mark))
    assert in_doubt(overtaken)
    assert overtaken
    settled = newest(overtaken, B, FromFetch(T + timedelta(seconds=7), overtaken.mark))
    assert settled
    assert (settled.value, settled.doubts) == (B, ())


def test_news_that_an_answer_settled_raises_no_question_again() -> None:
    known = heard((A, FromFetch(T, "")))
    assert known
    doubted = newest(known, B, event(5))
    assert doubted
    assert newest(doubted, B, event(5)) == doubted
    settled = newest(doubted, A, FromFetch(T + timedelta(seconds=6), doubted.mark))
    assert settled
    assert newest(settled, B, event(5)) == settled
    assert in_doubt(newest(settled, C, event(5)))


def test_what_was_heard_before_a_question_is_older_than_its_answer() -> None:
    known = heard((A, event(0)), (B, event(0, A)))
    assert known
    answered = newest(known, C, FromFetch(T + timedelta(seconds=2), known.mark))
    assert answered
    assert newest(answered, A, event(0)) == newest(answered, B, event(0, A)) == answered


def test_a_state_that_comes_back_after_an_answer_within_its_second_is_asked_for() -> None:
    """On, an answer, off: the answer settled the state's first coming, not its second."""
    on = heard((B, event(0, A)))
    assert on
    answered = newest(on, B, FromFetch(T, on.mark))
    assert in_doubt(newest(answered, A, event(0, B)))


def test_a_second_piece_of_news_of_a_doubted_state_is_a_doubt_of_its_own() -> None:
    """Else an answer begun between the two would settle both."""
    doubted = newest(heard((B, FromFetch(T, ""))), A, event(1, B))
    assert doubted
    again = newest(doubted, A, event(1, C))
    assert again
    assert again.mark != doubted.mark
