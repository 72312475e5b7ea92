"""Do a task at Stripe. Every one looks at what Stripe holds before it changes anything, so that a
repetition changes nothing more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.domain.account import Account, Fact
from chalicelib.domain.actions import made, plan_item
from chalicelib.domain.errors import CardDeclined, InvalidInput, Refused, SubscriptionEnded
from chalicelib.domain.facts import Answer, Ask, Subscription, SubscriptionSeen
from chalicelib.domain.tasks import Change, Charge, Charged, Task
from chalicelib.stripe_api import objects
from chalicelib.stripe_api.transport import Raw
from chalicelib.usecases.give_back import give_back, is_given_back
from chalicelib.usecases.give_card import open_invoices
from chalicelib.usecases.world import World


@dataclass(frozen=True, slots=True)
class Done:
    """What was learnt from Stripe by doing a task, and what became of its charge."""

    facts: Sequence[Fact] = ()
    charged: Charged | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A subscription as Stripe holds it now: raw, and as we read it; `by` fences what is learnt of
    it.
    """

    raw: Raw
    one: Subscription
    by: Answer

    def seen(self, task: Task) -> Done:
        """Nothing more than that it was looked at. Of one that was resumed or withdrawn from what
        became of its invoices is to be known too.
        """
        asks = [Ask("invoices", task.customer)] if task.verb in {"resume", "withdraw"} else []
        return Done([SubscriptionSeen(self.one, self.by), *asks])


def do_task(account: Account, task: Task, key: str, look: bool, world: World) -> Done:
    """Do it, unless it is done; `look` says that it may have been, under another key, and so must
    be looked for.

    Raises as the calls to Stripe do (ports.py), and SubscriptionEnded, InvalidInput, NotPossible
    where Stripe holds something else than Billhook knew.
    """
    if task.charge:
        return _charge(account, task, task.charge, key, look, world)
    held = hold(account, str(task.subscription), world)
    if task.verb == "withdraw":
        return _withdraw(held, task, key, world)
    if held.one.final:
        if task.verb in {"cancel", "cancel_now"}:
            return held.seen(task)
        raise SubscriptionEnded("The subscription has ended. POST …/checkout sells a new one.")
    if _is_so(held, task, world):
        return held.seen(task)
    return _WAYS[task.verb](held, task, key, world)


def find_task(account: Account, task: Task, world: World) -> Done | None:
    """What Stripe has of a task that may have been done; None if it was not. Raises
    Unavailable, Refused.
    """
    if task.charge:
        return _charged_already(task, task.charge, world)
    held = hold(account, str(task.subscription), world)
    if task.verb == "withdraw":
        return (
            held.seen(task)
            if held.one.final and is_given_back(task.customer, held.one.id, world)
            else None
        )
    ended_by_it = held.one.final and task.verb in {"cancel", "cancel_now"}
    return (
        held.seen(task)
        if ended_by_it or (not held.one.final and _is_so(held, task, world))
        else None
    )


def hold(account: Account, id: str, world: World) -> Held:
    """The subscription as Stripe holds it now."""
    by = Answer(world.now().replace(microsecond=0), account.mark(id))
    raw = world.stripe.reader.subscription(id)
    if raw is None:
        raise Refused("Stripe does not know the account's subscription.")
    return Held(raw, objects.subscription(raw), by)


def line_of(held: Held, change: Change, world: World) -> str:
    """The id of the line that a change is about."""
    place = held.one.items.index(plan_item(held.one, world.policy))
    return str(held.raw["items"]["data"][place]["id"])


def _is_so(held: Held, task: Task, world: World) -> bool:
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
                plan_item(one, world.policy), task.change, world.policy
            )
        case "discount":
            return any(
                coupon == task.coupon
                for _, coupon in world.stripe.subscriptions.discounts_of(one.id)
            )
    return False


def _cancel_later(held: Held, task: Task, key: str, world: World) -> Done:
    return _told(
        held,
        world.stripe.subscriptions.cancel_at_period_end(
            key, held.one.id, task.reason, task.comment
        ),
    )


def _cancel_now(held: Held, task: Task, key: str, world: World) -> Done:
    """Stripe takes no key for it: of one that has ended it says that there is none."""
    raw = world.stripe.subscriptions.cancel_now(
        held.one.id, task.reason, task.comment
    ) or world.stripe.reader.subscription(held.one.id)
    if raw is None:
        raise Refused("Stripe does not know the account's subscription.")
    return _told(held, raw)


def _withdraw(held: Held, task: Task, key: str, world: World) -> Done:
    done = (
        Done([SubscriptionSeen(held.one, held.by)])
        if held.one.final
        else _cancel_now(held, task, key, world)
    )
    give_back(task.customer, held.one.id, key, world)
    return Done([*done.facts, Ask("invoices", task.customer)])


def _carry_on(held: Held, task: Task, key: str, world: World) -> Done:
    return _told(held, world.stripe.subscriptions.reactivate(key, held.raw))


def _pause(held: Held, task: Task, key: str, world: World) -> Done:
    assert task.at
    return _told(held, world.stripe.subscriptions.pause_collection(key, held.one.id, task.at))


def _resume(held: Held, task: Task, key: str, world: World) -> Done:
    """Resume it and pay what that costs. An invoice that is open already is of a resumption that
    was begun: to begin another would bill twice.
    """
    owed = open_invoices(held.raw, world)
    if held.one.status == "paused" and not owed:
        world.stripe.subscriptions.resume(f"{key}:resume", held.one.id)
        owed = open_invoices(held.raw, world)
    for invoice in owed:
        world.stripe.invoices.pay(f"{key}:{invoice['id']}:pay", str(invoice["id"]))
    return Done([Ask("invoices", task.customer), Ask("subscription", held.one.id)])


def _change(held: Held, task: Task, key: str, world: World) -> Done:
    assert task.change
    return _told(
        held,
        world.stripe.subscriptions.change(
            key, held.one.id, line_of(held, task.change, world), task.change
        ),
    )


def _move_trial_end(held: Held, task: Task, key: str, world: World) -> Done:
    assert task.at
    return _told(held, world.stripe.subscriptions.move_trial_end(key, held.one.id, task.at))


def _give_coupon(held: Held, task: Task, key: str, world: World) -> Done:
    coupon = world.stripe.subscriptions.coupon(str(task.coupon))
    if coupon is None or not coupon.get("valid", True):
        raise InvalidInput("coupon must be one that Stripe has and that is still valid.", "coupon")
    kept = [id for id, _ in world.stripe.subscriptions.discounts_of(held.one.id)]
    return _told(
        held, world.stripe.subscriptions.add_coupon(key, held.one.id, kept, str(task.coupon))
    )


_WAYS: dict[str, Callable[[Held, Task, str, World], Done]] = {
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


def _told(held: Held, raw: Raw) -> Done:
    return Done([SubscriptionSeen(objects.subscription(raw), held.by)])


def _charge(
    account: Account, task: Task, charge: Charge, key: str, look: bool, world: World
) -> Done:
    if charge.bill == "next_invoice":
        item = _item(task, charge, world) if look else None
        if item is None:
            world.stripe.invoices.add_item(
                f"{key}:item", account.id, task.customer, charge, task.subscription, None
            )
        return Done(charged=Charged(charge, "pending"))
    return Done(charged=_bill(account, task, charge, key, look, world))


def _bill(
    account: Account, task: Task, charge: Charge, key: str, look: bool, world: World
) -> Charged:
    """An invoice of this charge alone: made, filled, finalized, paid. One that cannot be paid is
    withdrawn, so that nothing is owed unseen.
    """
    invoice = _invoice(task, charge, world) if look else None
    if invoice is None:
        invoice = world.stripe.invoices.create(
            f"{key}:invoice", account.id, task.customer, charge, world.policy.checkout.automatic_tax
        )
    id = str(invoice["id"])
    if invoice.get("status") == "draft":
        if not look or _item(task, charge, world) is None:
            world.stripe.invoices.add_item(
                f"{key}:item", account.id, task.customer, charge, None, id
            )
        invoice = world.stripe.invoices.finalize(f"{key}:finalize", id)
    if invoice.get("status") == "open":
        try:
            invoice = world.stripe.invoices.pay(f"{key}:pay", id)
        except (CardDeclined, Refused):
            world.stripe.invoices.void(f"{key}:void", id)
            raise
    if invoice.get("status") != "paid":
        raise CardDeclined("The charge was not paid, and its invoice was withdrawn.")
    return Charged(charge, "paid", id)


def _charged_already(task: Task, charge: Charge, world: World) -> Done | None:
    if charge.bill == "next_invoice":
        return Done(charged=Charged(charge, "pending")) if _item(task, charge, world) else None
    invoice = _invoice(task, charge, world)
    paid = invoice is not None and invoice.get("status") == "paid"
    return Done(charged=Charged(charge, "paid", str(invoice["id"]))) if paid and invoice else None


def _item(task: Task, charge: Charge, world: World) -> Raw | None:
    return next(
        (one for one in world.stripe.invoices.items_of(task.customer) if _is_of(one, charge)), None
    )


def _invoice(task: Task, charge: Charge, world: World) -> Raw | None:
    return next(
        (one for one in world.stripe.reader.invoices_of(task.customer) if _is_of(one, charge)), None
    )


def _is_of(raw: Raw, charge: Charge) -> bool:
    return bool((raw.get("metadata") or {}).get("charge_id") == charge.id)
