"""Operations: what Stripe must do for an account, once, however often it has to be asked.

An idempotency key makes a repeated call safe, but Stripe forgets it after a day, and until then
answers with a stored failure again and again. So a key belongs to a generation of the operation:
before another generation starts, Billhook looks up at Stripe whether the operation was done.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.backoff import wait_after

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


@dataclass(frozen=True, slots=True)
class Change:
    """Another plan, interval or quantity. `prorate` is one of PRORATE; what is prorated is so as of
    `as_of`.
    """

    plan: str
    interval: str
    quantity: int
    lookup_key: str
    prorate: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Charge:
    """An amount in minor units of a currency, on the `next_invoice` or billed `now`. `card` pays
    it, where the customer has no default of its own.
    """

    id: str
    amount: int
    currency: str
    description: str
    bill: str
    card: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One of VERBS, about a customer and, all but some charges, its subscription. `at` is a moment
    that the verb needs: the trial's new end, the end of a pause. `asked` tells the caller's body,
    and `key` is its Idempotency-Key. `alternative` is what was offered to who wanted to leave.
    """

    verb: str
    customer: str
    subscription: str | None = None
    at: datetime | None = None
    change: Change | None = None
    charge: Charge | None = None
    coupon: str | None = None
    reason: str | None = None
    comment: str | None = None
    key: str | None = None
    asked: str = ""
    alternative: str | None = None


@dataclass(frozen=True, slots=True)
class PendingOperation:
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
    task: Operation | None = None

    def next_try(self) -> datetime:
        """When to try (again)."""
        if self.tried_at is None:
            return self.not_before
        return self.tried_at + wait_after(self.tries)

    def must_look(self, now: datetime) -> bool:
        """Whether its key cannot be relied on any more."""
        return self.doubtful or now - self.since > KEY_TRUSTED

    def renewed(self, now: datetime) -> "PendingOperation":
        """The errand with a key of its own, once it is known that it was not done under the old
        one.
        """
        return replace(self, generation=self.generation + 1, since=now, doubtful=False)

    def tried(self, now: datetime, doubtful: bool) -> "PendingOperation":
        """The errand after a try in vain."""
        return replace(self, tries=self.tries + 1, tried_at=now, doubtful=self.doubtful or doubtful)


def furthest(known: PendingOperation | None, news: PendingOperation) -> PendingOperation:
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


def pending(errands: Mapping[str, PendingOperation]) -> dict[str, PendingOperation]:
    """Those that are not done."""
    return {name: operation for name, operation in errands.items() if operation.done_at is None}


def remembered(
    errands: Mapping[str, PendingOperation], now: datetime
) -> dict[str, PendingOperation]:
    """Without those done so long ago that nothing can ask for them again; the trial is remembered
    for ever.
    """
    kept = {"do": TASKS_KEPT}
    return {
        name: operation
        for name, operation in errands.items()
        if name == "trial"
        or operation.done_at is None
        or operation.done_at > now - kept.get(kind_of(name)[0], KEPT)
    }


VERBS = {
    "cancel": "End the subscription when what is paid for is over.",
    "cancel_now": "End the subscription at once; nothing is paid back.",
    "withdraw": "End the subscription at once and pay back all that was paid for it.",
    "uncancel": "Take back a scheduled cancellation, and a pause of collection with it.",
    "unpause": "Collect payments again.",
    "pause": "Collect no payments for a time.",
    "resume": "Let a paused subscription run again, and pay what that costs.",
    "plan": "Change plan, interval or quantity.",
    "trial": "Move the end of the trial.",
    "discount": "Give a coupon's discount on what comes.",
    "charge": "Charge an amount beside the subscription.",
}
"""What a task can be. All but a charge are about the subscription's state, and come one after the
other.
"""


@dataclass(frozen=True, slots=True)
class Charged:
    """What became of a charge: `pending` until the next invoice, or `paid` by an invoice of its
    own.
    """

    charge: Charge
    status: str
    invoice: str | None = None


def done_by(task: Operation) -> str | None:
    """What a task did, in the words of a reactivation; None for what is none."""
    return {"uncancel": "uncanceled", "unpause": "resumed", "resume": "resumed"}.get(task.verb)
