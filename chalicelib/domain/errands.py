"""Errands: what Stripe must do for an account, once, however often it has to be asked.

An idempotency key makes a repeated call safe, but Stripe forgets it after a day, and under it gives
a stored failure again and again. So a key belongs to a generation of the errand: before another one
is begun, it is looked up at Stripe whether the errand was done.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.tasks import Task

KEY_TRUSTED = timedelta(hours=20)
"""How long a key is relied on: Stripe prunes it after 24 hours at the earliest
(docs.stripe.com/api/idempotent_requests).
"""

AT_ONCE = timedelta(minutes=1)
"""How long who gave an errand and is doing it has, before the agenda does it."""

KEPT = timedelta(days=40)
"""How long it is remembered that an errand was done: Stripe can send an event again for 30 days."""

TASKS_KEPT = timedelta(days=2)
"""How long it is remembered that a task was done: longer than anybody may still be at it. There may
be many.
"""

KINDS = {
    "trial": "Make the customer and the trialing subscription of a signup.",
    "do": "Do what the product or the customer asked for: a task.",
    "card": (
        "Make the card that was given in a Checkout session the default, and settle what waited"
        " for it."
    ),
}
"""What can be asked for; an errand is named by its kind or, where there can be several, by
`kind:object`.
"""

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 60, 180, 360))
"""How long to wait after each try in vain; after the last of them always as long as that."""


@dataclass(frozen=True, slots=True)
class Errand:
    """Not to be tried `not_before` that moment. `since` is when the key of this `generation` was
    first used; `doubtful` that Stripe may have done it and said otherwise. `task` is what an errand
    of the kind `do` is about.
    """

    not_before: datetime
    since: datetime
    generation: int = 0
    doubtful: bool = False
    tries: int = 0
    tried_at: datetime | None = None
    done_at: datetime | None = None
    task: Task | None = None

    def next_try(self) -> datetime:
        """When to try (again)."""
        if self.tried_at is None:
            return self.not_before
        return self.tried_at + PAUSES[min(self.tries, len(PAUSES)) - 1]

    def must_look(self, now: datetime) -> bool:
        """Whether its key cannot be relied on any more."""
        return self.doubtful or now - self.since > KEY_TRUSTED

    def renewed(self, now: datetime) -> "Errand":
        """The errand with a key of its own, once it is known that it was not done under the old
        one.
        """
        return replace(self, generation=self.generation + 1, since=now, doubtful=False)

    def tried(self, now: datetime, doubtful: bool) -> "Errand":
        """The errand after a try in vain."""
        return replace(self, tries=self.tries + 1, tried_at=now, doubtful=self.doubtful or doubtful)


def furthest(known: Errand | None, news: Errand) -> Errand:
    """What is known of an errand after `news`, in whatever order it comes: done stays done, a later
    generation counts, and no doubt is lost.
    """
    if known is None or known.done_at:
        return known or news
    if news.done_at or news.generation != known.generation:
        later = max(known, news, key=lambda one: one.generation)
        return replace(later, done_at=news.done_at, task=None if news.done_at else later.task)
    tried_at = max((at for at in (known.tried_at, news.tried_at) if at), default=None)
    return replace(
        known,
        tries=max(known.tries, news.tries),
        tried_at=tried_at,
        doubtful=known.doubtful or news.doubtful,
    )


def kind_of(name: str) -> tuple[str, str]:
    """The kind of an errand, and the object that it is about."""
    kind, _, about = name.partition(":")
    return kind, about


def waiting(errands: Mapping[str, Errand]) -> dict[str, Errand]:
    """Those that are not done."""
    return {name: errand for name, errand in errands.items() if errand.done_at is None}


def remembered(errands: Mapping[str, Errand], now: datetime) -> dict[str, Errand]:
    """Without those done so long ago that nothing can ask for them again; the trial is remembered
    for ever.
    """
    kept = {"do": TASKS_KEPT}
    return {
        name: errand
        for name, errand in errands.items()
        if name == "trial"
        or errand.done_at is None
        or errand.done_at > now - kept.get(kind_of(name)[0], KEPT)
    }
