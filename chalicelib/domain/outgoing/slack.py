"""How fast messages go to a channel in Slack, what is said in one message, and what ends the tries.

Slack takes about one message a second for a channel (docs.slack.dev, "Rate limits"). A message here
is a notice, no record: what cannot be said within an hour is dropped.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from chalicelib.domain.outgoing.answers import CallAnswer, wait_until
from chalicelib.values import frozen, replace

FEW = 3
"""So many happenings have a message each. More are a burst: one message counts them."""

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)

SHORT_GAP, LONGEST_GAP = 4 * SECOND, MINUTE
"""How far apart messages come at most: those about one happening each, and those of a burst."""

DROPPED_AFTER = timedelta(hours=1)

RETRY_DELAYS = (5 * SECOND, 30 * SECOND, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE)
"""How long the channel is left alone after each failure in a row; the last one goes on."""

LIMITED = timedelta(seconds=30)
"""The same after a 429 that does not say how long."""

REFUSALS = frozenset({400, 403, 404, 410})
"""The statuses after which a repetition is of no use: the webhook, or its channel, is gone."""

T = TypeVar("T")


@frozen
class SlackState:
    """The channel: no message goes to it before `free_at`, which is `gap` after the last one.
    `failures` counts those in a row, and `told` says that the operators know of a refusal.
    """

    free_at: datetime | None = None
    gap: timedelta = SECOND
    failures: int = 0
    told: bool = False
    version: int = 0


def said_next(waiting: Sequence[T]) -> Sequence[T]:
    """What the next message is about: the first of a few, or all of many."""
    return waiting[:1] if len(waiting) <= FEW else waiting


def after_message(state: SlackState, about: int, now: datetime) -> SlackState:
    """After a message about so many happenings was taken. While more come, the messages come less
    and less often.
    """
    is_quiet = state.free_at is None or now >= state.free_at + state.gap
    longest = LONGEST_GAP if about > 1 else SHORT_GAP
    gap = SECOND if is_quiet else min(2 * state.gap, longest)
    return SlackState(now + gap, gap, version=state.version + 1)


def after_failure(state: SlackState, answer: CallAnswer, now: datetime) -> SlackState:
    """After a message was not taken."""
    if answer.code == 429:
        free_at = wait_until(answer, now) or now + LIMITED
        return replace(state, free_at=free_at, version=state.version + 1)
    delay = RETRY_DELAYS[min(state.failures, len(RETRY_DELAYS) - 1)]
    free_at = max(now + delay, wait_until(answer, now) or now)
    return replace(state, free_at=free_at, failures=state.failures + 1, version=state.version + 1)


def after_refusal(state: SlackState, now: datetime) -> SlackState:
    """After a message was refused for good, and the operators are to get a notice."""
    return SlackState(now + SECOND, SECOND, told=True, version=state.version + 1)
