"""Do a task at Stripe. Every one looks at what Stripe holds before it changes anything, so that a
repetition changes nothing more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.domain.account.facts import Fact, SubscriptionSnapshot
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.operations import Change, Charge, Charged, Operation
from chalicelib.domain.account.ordering import FromFetch
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.decisions import made, plan_item
from chalicelib.domain.errors import CardDeclined, InvalidInput, Refused, SubscriptionEnded
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.stripe_api import objects
from chalicelib.stripe_api.transport import Raw
from chalicelib.usecases.billing.refund import is_refunded, refund_all
from chalicelib.usecases.billing.save_card import open_invoices
from chalicelib.usecases.services import Services


@dataclass(frozen=True, slots=True)
class OperationResult:
    """What was learnt from Stripe by doing a task, and what became of its charge."""

    facts: Sequence[Fact] = ()
    charged: Charged | None = None


@dataclass(frozen=True, slots=True)
class LiveSubscription:
    """A subscription as Stripe holds it now: raw, and as we read it; `by` fences what is learnt of
    it.
    """

    raw: Raw
    one: Subscription
    by: FromFetch

    def seen(self, task: Operation) -> OperationResult:
        """Nothing more than that it was looked at. Of one that was resumed or withdrawn from what
        became of its invoices is to be known too.
        """
        asks = (
            [FetchRequest("invoices", task.customer)] if task.verb in {"resume", "withdraw"} else []
        )
        return OperationResult([SubscriptionSnapshot(self.one, self.by), *asks])


def perform_operation(
    account: Account, task: Operation, key: str, look: bool, services: Services
) -> OperationResult:
    """Do it, unless it is done; `look` says that it may have been, under another key, and so must
    be looked for.

    Raises as the calls to Stripe do (ports.py), and SubscriptionEnded, InvalidInput, NotPossible
    where Stripe holds something else than Billhook knew.
    """
    if task.charge:
        return _charge(account, task, task.charge, key, look, services)
    held = hold(account, str(task.subscription), services)
    if task.verb == "withdraw":
        return _withdraw(held, task, key, services)
    if held.one.final:
        if task.verb in {"cancel", "cancel_now"}:
            return held.seen(task)
        raise SubscriptionEnded("The subscription has ended. POST …/checkout sells a new one.")
    if _is_so(held, task, services):
        return held.seen(task)
    return _WAYS[task.verb](held, task, key, services)


def find_operation(account: Account, task: Operation, services: Services) -> OperationResult | None:
    """What Stripe has of a task that may have been done; None if it was not. Raises
    Unavailable, Refused.
    """
    if task.charge:
        return _charged_already(task, task.charge, services)
    held = hold(account, str(task.subscription), services)
    if task.verb == "withdraw":
        return (
            held.seen(task)
            if held.one.final and is_refunded(task.customer, held.one.id, services)
            else None
        )
    ended_by_it = held.one.final and task.verb in {"cancel", "cancel_now"}
    return (
        held.seen(task)
        if ended_by_it or (not held.one.final and _is_so(held, task, services))
        else None
    )


def hold(account: Account, id: str, services: Services) -> LiveSubscription:
    """The subscription as Stripe holds it now."""
    by = FromFetch(services.clock.now().replace(microsecond=0), account.mark(id))
    raw = services.stripe.reader.subscription(id)
    if raw is None:
        raise Refused("Stripe does not know the account's subscription.")
    return LiveSubscription(raw, objects.subscription(raw), by)


def line_of(held: LiveSubscription, change: Change, services: Services) -> str:
    """The id of the line that a change is about."""
    place = held.one.items.index(plan_item(held.one, services.policy))
    return str(held.raw["items"]["data"][place]["id"])


def _is_so(held: LiveSubscription, task: Operation, services: Services) -> bool:
    one = held.one
    match task.verb:
        case "cancel":
            return one.cancels_scheduled
        case "uncancel" | "unpause":
            return not one.cancels_scheduled and one.pause_collection is None
        case "pause":
            return one.pause_collection is not None and one.pause_collection.resumes_at == task.at
        case "resume":
            return one.status == "active"
        case "trial":
            return one.trial_end == task.at
        case "plan":
            return task.change is not None and made(
                plan_item(one, services.policy), task.change, services.policy
            )
        case "discount":
            return any(
                coupon == task.coupon
                for _, coupon in services.stripe.subscriptions.discounts_of(one.id)
            )
    return False


def _cancel_later(
    held: LiveSubscription, task: Operation, key: str, services: Services
) -> OperationResult:
    return _told(
        held,
        services.stripe.subscriptions.cancel_at_period_end(
            key, held.one.id, task.reason, task.comment
        ),
    )


def _cancel_now(
    held: LiveSubscription, task: Operation, key: str, services: Services
) -> OperationResult:
    """Stripe takes no key for it: of one that has ended it says that there is none."""
    raw = services.stripe.subscriptions.cancel_now(
        held.one.id, task.reason, task.comment
    ) or services.stripe.reader.subscription(held.one.id)
    if raw is None:
        raise Refused("Stripe does not know the account's subscription.")
    return _told(held, raw)


def _withdraw(
    held: LiveSubscription, task: Operation, key: str, services: Services
) -> OperationResult:
    done = (
        OperationResult([SubscriptionSnapshot(held.one, held.by)])
        if held.one.final
        else _cancel_now(held, task, key, services)
    )
    refund_all(task.customer, held.one.id, key, services)
    return OperationResult([*done.facts, FetchRequest("invoices", task.customer)])


def _carry_on(
    held: LiveSubscription, task: Operation, key: str, services: Services
) -> OperationResult:
    return _told(held, services.stripe.subscriptions.reactivate(key, held.raw))


def _pause(
    held: LiveSubscription, task: Operation, key: str, services: Services
) -> OperationResult:
    assert task.at
    return _told(held, services.stripe.subscriptions.pause_collection(key, held.one.id, task.at))


def _resume(
    held: LiveSubscription, task: Operation, key: str, services: Services
) -> OperationResult:
    """Resume it and pay what that costs. An invoice that is open already is of a resumption that
    was begun: to begin another would bill twice.
    """
    owed = open_invoices(held.raw, services)
    if held.one.status == "paused" and not owed:
        services.stripe.subscriptions.resume(f"{key}:resume", held.one.id)
        owed = open_invoices(held.raw, services)
    for invoice in owed:
        services.stripe.invoices.pay(f"{key}:{invoice['id']}:pay", str(invoice["id"]))
    return OperationResult(
        [FetchRequest("invoices", task.customer), FetchRequest("subscription", held.one.id)]
    )


def _change(
    held: LiveSubscription, task: Operation, key: str, services: Services
) -> OperationResult:
    assert task.change
    return _told(
        held,
        services.stripe.subscriptions.change(
            key, held.one.id, line_of(held, task.change, services), task.change
        ),
    )


def _move_trial_end(
    held: LiveSubscription, task: Operation, key: str, services: Services
) -> OperationResult:
    assert task.at
    return _told(held, services.stripe.subscriptions.move_trial_end(key, held.one.id, task.at))


def _give_coupon(
    held: LiveSubscription, task: Operation, key: str, services: Services
) -> OperationResult:
    coupon = services.stripe.subscriptions.coupon(str(task.coupon))
    if coupon is None or not coupon.get("valid", True):
        raise InvalidInput("coupon must be one that Stripe has and that is still valid.", "coupon")
    kept = [id for id, _ in services.stripe.subscriptions.discounts_of(held.one.id)]
    return _told(
        held, services.stripe.subscriptions.add_coupon(key, held.one.id, kept, str(task.coupon))
    )


_WAYS: dict[str, Callable[[LiveSubscription, Operation, str, Services], OperationResult]] = {
    "cancel": _cancel_later,
    "cancel_now": _cancel_now,
    "uncancel": _carry_on,
    "unpause": _carry_on,
    "pause": _pause,
    "resume": _resume,
    "plan": _change,
    "trial": _move_trial_end,
    "discount": _give_coupon,
}


def _told(held: LiveSubscription, raw: Raw) -> OperationResult:
    return OperationResult([SubscriptionSnapshot(objects.subscription(raw), held.by)])


def _charge(
    account: Account, task: Operation, charge: Charge, key: str, look: bool, services: Services
) -> OperationResult:
    if charge.bill == "next_invoice":
        item = _item(task, charge, services) if look else None
        if item is None:
            services.stripe.invoices.add_item(
                f"{key}:item", account.id, task.customer, charge, task.subscription, None
            )
        return OperationResult(charged=Charged(charge, "pending"))
    return OperationResult(charged=_bill(account, task, charge, key, look, services))


def _bill(
    account: Account, task: Operation, charge: Charge, key: str, look: bool, services: Services
) -> Charged:
    """An invoice of this charge alone: made, filled, finalized, paid. One that cannot be paid is
    withdrawn, so that nothing is owed unseen.
    """
    invoice = _invoice(task, charge, services) if look else None
    if invoice is None:
        invoice = services.stripe.invoices.create(
            f"{key}:invoice",
            account.id,
            task.customer,
            charge,
            services.policy.checkout.automatic_tax,
        )
    id = str(invoice["id"])
    if invoice.get("status") == "draft":
        if not look or _item(task, charge, services) is None:
            services.stripe.invoices.add_item(
                f"{key}:item", account.id, task.customer, charge, None, id
            )
        invoice = services.stripe.invoices.finalize(f"{key}:finalize", id)
    if invoice.get("status") == "open":
        try:
            invoice = services.stripe.invoices.pay(f"{key}:pay", id)
        except (CardDeclined, Refused):
            services.stripe.invoices.void(f"{key}:void", id)
            raise
    if invoice.get("status") != "paid":
        raise CardDeclined("The charge was not paid, and its invoice was withdrawn.")
    return Charged(charge, "paid", id)


def _charged_already(task: Operation, charge: Charge, services: Services) -> OperationResult | None:
    if charge.bill == "next_invoice":
        return (
            OperationResult(charged=Charged(charge, "pending"))
            if _item(task, charge, services)
            else None
        )
    invoice = _invoice(task, charge, services)
    paid = invoice is not None and invoice.get("status") == "paid"
    return (
        OperationResult(charged=Charged(charge, "paid", str(invoice["id"])))
        if paid and invoice
        else None
    )


def _item(task: Operation, charge: Charge, services: Services) -> Raw | None:
    return next(
        (one for one in services.stripe.invoices.items_of(task.customer) if _is_of(one, charge)),
        None,
    )


def _invoice(task: Operation, charge: Charge, services: Services) -> Raw | None:
    return next(
        (one for one in services.stripe.reader.invoices_of(task.customer) if _is_of(one, charge)),
        None,
    )


def _is_of(raw: Raw, charge: Charge) -> bool:
    return bool((raw.get("metadata") or {}).get("charge_id") == charge.id)
