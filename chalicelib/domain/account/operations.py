"""Operations: calls that Stripe must carry out exactly once for an account, however often they have
to be repeated.

An idempotency key makes a repeated call safe, but Stripe forgets a key after a day, and until then
repeats a stored failure. So each key belongs to one generation of an operation: before the next
generation starts, Billhook looks up at Stripe whether the operation was done.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from chalicelib.domain.backoff import wait_after
from chalicelib.values import frozen, replace

KEY_TRUSTED = timedelta(hours=20)
"""How long a key is relied on: Stripe prunes it after 24 hours at the earliest
(docs.stripe.com/api/idempotent_requests).
"""


HEAD_START = timedelta(minutes=1)
"""How long the call that creates an operation has to run it, before the schedule does."""


KEPT_FOR = timedelta(days=40)
"""How long a done operation is kept: Stripe may repeat the event that causes it for 30 days."""


ACTIONS_KEPT_FOR = timedelta(days=2)
"""How long a done operation of the kinds `do` and `profile` is kept: longer than any process can
still be running it. There may be many.
"""


REFUSED_FOR = timedelta(days=14)
"""How long the start of a trial and a saved card are tried again although Stripe refuses them."""


KINDS = {
    "trial": (
        "Create the customer and the trialing subscription of a signup. With a number: the trial of"
        " this signup is begun anew, in place of another one."
    ),
    "do": "Do what the product or the customer requested.",
    "profile": "Give the customer's present address, name and language to Stripe.",
    "card": (
        "Make the card of a completed Checkout session the default, and pay the open invoices that"
        " waited for it."
    ),
    "sessions": (
        "Expire the Checkout sessions that are open beside one that bought a subscription: they"
        " would buy a second one."
    ),
}
"""The kinds of pending operations. The name of one is its kind or, where there can be several,
`kind:object`.
"""


@frozen
class Change:
    """A change to another plan, interval or quantity. `prorate` is one of policy.selling.PRORATE;
    the proration is calculated as of `as_of`. With `new_period` a new period begins with the
    change, and is billed at once.
    """

    plan: str
    interval: str
    quantity: int
    lookup_key: str
    prorate: str
    as_of: datetime
    new_period: bool = False


@frozen
class Charge:
    """A charge of `amount`, in minor units of `currency`. `bill` is `next_invoice` or `now`. `card`
    pays it if the customer has no default card.
    """

    id: str
    amount: int
    currency: str
    description: str
    bill: str
    card: str | None = None


@frozen
class Operation:
    """One of VERBS on a customer and its subscription; a charge may have no subscription.

    `at` is the time that the verb needs: the new end of a trial, the end of a pause, or when a new
    period was asked for. `key` is the caller's Idempotency-Key and `asked` identifies the request's
    body. `alternative` is the kind of the retention offer that the customer accepted with it, and
    `paid_until` the end of the period that is paid when a pause begins. A withdrawal refunds
    `refund` at most, in minor units; all that was paid if that is None.
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
    paid_until: datetime | None = None
    refund: int | None = None


@frozen
class PendingOperation:
    """The progress of an operation. It is not run before `not_before`.

    `since` is when the key of this `generation` was first used. `doubtful` means that the key is
    used up: Stripe stored a failure under it, and may have done the operation nevertheless. `tries`
    counts the failed attempts, the last at `tried_at`. `task` is the operation itself if the kind
    is `do`.
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
        """When to run it next."""
        if self.tried_at is None:
            return self.not_before
        return self.tried_at + wait_after(self.tries)

    def needs_lookup(self, now: datetime) -> bool:
        """Whether its key can no longer be relied on, so that Stripe has to be searched first."""
        return self.doubtful or now - self.since > KEY_TRUSTED

    def ends_refused(self, now: datetime) -> bool:
        """Whether the operation ends with a refusal of Stripe's at `now`. What somebody asked for
        ends at once, and the caller gets the reason. The start of a trial and a saved card are
        tried again for REFUSED_FOR, so that the owner can mend what Stripe refuses.
        """
        return self.task is not None or now >= self.not_before + REFUSED_FOR

    def with_new_key(self, now: datetime) -> "PendingOperation":
        """The next generation, once it is certain that the last one did not do it."""
        return replace(self, generation=self.generation + 1, since=now, doubtful=False)

    def after_failure(self, now: datetime, key_is_used_up: bool) -> "PendingOperation":
        """The operation after a failed attempt."""
        return replace(
            self,
            tries=self.tries + 1,
            tried_at=now,
            doubtful=self.doubtful or key_is_used_up,
        )


def merge_operation(
    stored: PendingOperation | None, reported: PendingOperation
) -> PendingOperation:
    """The operation after one writer reported its state of it, in whatever order reports arrive:
    done stays done, a later generation wins, and `doubtful` stays.
    """
    if stored is None or stored.done_at:
        return stored or reported
    if reported.done_at or reported.generation != stored.generation:
        later = max(stored, reported, key=lambda operation: operation.generation)
        task = None if reported.done_at else later.task
        return replace(later, done_at=reported.done_at, task=task)
    tried_at = max((at for at in (stored.tried_at, reported.tried_at) if at), default=None)
    return replace(
        stored,
        tries=max(stored.tries, reported.tries),
        tried_at=tried_at,
        doubtful=stored.doubtful or reported.doubtful,
    )


def kind_of(name: str) -> tuple[str, str]:
    """The kind in an operation's name, and the object that it concerns; empty if there is none."""
    kind, _, about = name.partition(":")
    return kind, about


def is_profile_key(key: str) -> bool:
    """Whether an idempotency key is of an operation that gave a profile to Stripe."""
    return key.partition(":")[2].startswith("profile:")


def pending(operations: Mapping[str, PendingOperation]) -> dict[str, PendingOperation]:
    """The operations that are not done."""
    return {name: operation for name, operation in operations.items() if operation.done_at is None}


def unexpired(
    operations: Mapping[str, PendingOperation], now: datetime
) -> dict[str, PendingOperation]:
    """The operations without those done so long ago that nothing can request them again. The trial
    is kept for ever.
    """
    kept_for = {"do": ACTIONS_KEPT_FOR, "profile": ACTIONS_KEPT_FOR}
    return {
        name: operation
        for name, operation in operations.items()
        if name == "trial"
        or operation.done_at is None
        or operation.done_at > now - kept_for.get(kind_of(name)[0], KEPT_FOR)
    }


VERBS = {
    "cancel": "End the subscription at the end of the paid period.",
    "cancel_now": "End the subscription at once, without a refund.",
    "withdraw": "End the subscription at once and refund what was paid for it.",
    "uncancel": "Revoke a scheduled cancellation, and a pause of collection with it.",
    "unpause": "Collect payments again; with `at` in a new period that begins now, and is paid.",
    "pause": "Collect no payments for a time.",
    "resume": "Resume a paused subscription and pay the invoice that Stripe makes for that.",
    "plan": "Change plan, interval or quantity.",
    "trial": "Move the end of the trial.",
    "discount": "Apply a coupon to the subscription.",
    "charge": "Charge an amount that is not part of the subscription's price.",
}
"""What an operation can do. All verbs but `charge` change the subscription, and run one after the
other.
"""


@frozen
class Charged:
    """The result of a charge: `status` is `pending` until the next invoice, or `paid` by an invoice
    of its own. While the payment of that invoice is open, it is a status of
    billing.payments.OPEN_STATUSES.
    """

    charge: Charge
    status: str
    invoice: str | None = None


def reactivation_result(operation: Operation) -> str | None:
    """What a reactivation did, as the API answers it: `uncanceled` or `resumed`; None if the
    operation is no reactivation.
    """
    if operation.verb == "uncancel":
        return "uncanceled"
    return "resumed" if operation.verb in {"unpause", "resume"} else None
