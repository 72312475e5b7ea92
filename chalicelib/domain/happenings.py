"""Happenings: the changes of an account worth telling, found by comparing what was last written with what is written now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.domain.facts import Invoice

if TYPE_CHECKING:
    from chalicelib.domain.account import Account
    from chalicelib.domain.standing import Standing

TYPES = {
    "account.created": "Billhook knows of a customer for the first time.",
    "trial.started": "A free trial began.",
    "trial.extended": "A running trial ends later than it did.",
    "trial.shortened": "A running trial ends earlier than it did.",
    "trial.converted": "A trial became a paying subscription.",
    "trial.expired": "A trial ended and was not paid for.",
    "access.granted": "The account has full access, which it had not.",
    "access.limited": "The account has limited access, and had another.",
    "access.revoked": "The account has no access any more.",
    "plan.changed": "The account is on another plan.",
    "quantity.changed": "The account has another number of seats.",
    "subscription.canceling": "A cancellation was scheduled.",
    "subscription.uncanceled": "A scheduled cancellation was withdrawn.",
    "subscription.canceled": "The subscription has ended.",
    "subscription.paused": "The subscription was paused.",
    "subscription.resumed": "A paused subscription runs again.",
    "payment.failed": "A payment was tried and failed.",
    "payment.succeeded": "An invoice of more than nothing was paid.",
}
"""Every type of happening there is, with what it means."""

NEWS = timedelta(days=1)
"""An invoice no older than this is news of a customer just adopted."""

_ACCESS_TYPES = {"full": "access.granted", "limited": "access.limited", "none": "access.revoked"}


@dataclass(frozen=True, slots=True)
class Happening:
    """One change. `id` is made of account, epoch, version and type, so that a repeat is the same id with the same body. `data` is flat."""

    id: str
    type: str
    at: datetime
    data: dict[str, str | int | None]


def happenings(old: "Account", new: "Account", now: datetime) -> tuple[Happening, ...]:
    """What happened between two versions of an account whose standings are those last written. Features are never compared."""
    told: dict[str, Happening] = {}
    for type, data in (*_of_standing(old, new, now), *_of_payments(old, new, now)):
        id = f"{new.id}.{new.epoch}.{new.version}.{type}"
        told[type] = Happening(id, type, now, data)
    return tuple(told.values())


_Told = Iterator[tuple[str, dict[str, str | int | None]]]


def _of_standing(old: "Account", new: "Account", now: datetime) -> _Told:
    was, is_ = old.standing, new.standing
    if is_ is None:
        return
    types: list[str] = [] if was else ["account.created"]
    before = was.access if was else "none"
    if is_.access != before:
        types.append(_ACCESS_TYPES[is_.access])
    types += _of_trial(was, is_, now)
    if was:
        types += ["plan.changed"] if was.plan != is_.plan and is_.plan and was.plan else []
        types += ["quantity.changed"] if was.quantity != is_.quantity and is_.quantity and was.quantity else []
        types += _of_status(was, is_)
    for type in types:
        yield (
            type,
            {
                "access": is_.access,
                "reason": is_.reason,
                "status": is_.status,
                "plan": is_.plan,
                "quantity": is_.quantity,
                "until": is_.until.isoformat() if is_.until else None,
                "access_before": was.access if was else None,
                "reason_before": was.reason if was else None,
                "plan_before": was.plan if was else None,
            },
        )


_ON_TRIAL = frozenset({"trialing", "trial_starting"})


def _of_trial(was: "Standing | None", is_: "Standing", now: datetime) -> list[str]:
    was_on, is_on = bool(was and was.reason in _ON_TRIAL), is_.reason in _ON_TRIAL
    if is_on and not was_on:
        return ["trial.started"]
    if was and was_on and is_on and was.until and is_.until and was.until != is_.until and now < was.until:
        return ["trial.extended" if was.until < is_.until else "trial.shortened"]
    if was and (was_on or was.reason == "first_payment"):
        if is_.reason == "active":
            return ["trial.converted"]
        if is_.access != "full" or is_.reason == "after_trial":
            return ["trial.expired"]
    return []


def _of_status(was: "Standing", is_: "Standing") -> list[str]:
    if was.reason == is_.reason:
        return []
    if is_.reason == "canceling":
        return ["subscription.canceling"]
    if is_.reason == "canceled":
        return ["subscription.canceled"]
    if was.reason == "canceling" and is_.access == "full":
        return ["subscription.uncanceled"]
    if is_.reason == "paused":
        return ["subscription.paused"]
    return ["subscription.resumed"] if was.reason == "paused" and is_.access == "full" else []


def _of_payments(old: "Account", new: "Account", now: datetime) -> _Told:
    adopted = any(ask.what == "belongings" for ask in old.asks)
    for id, billed in sorted(new.invoices.items(), key=lambda pair: pair[1].value.created):
        invoice = billed.value
        if adopted and invoice.created < now - NEWS:
            continue  # what an adopted customer paid before is history
        before = old.invoices[id].value if id in old.invoices else None
        if invoice.status == "paid" and invoice.amount_paid and not (before and before.status == "paid"):
            yield "payment.succeeded", _money(invoice)
        elif invoice.status == "open" and invoice.attempt_count > (before.attempt_count if before else 0):
            yield "payment.failed", _money(invoice)


def _money(invoice: Invoice) -> dict[str, str | int | None]:
    next_attempt = invoice.next_payment_attempt
    return {
        "invoice": invoice.id,
        "subscription": invoice.subscription,
        "amount_due": invoice.amount_due,
        "amount_paid": invoice.amount_paid,
        "currency": invoice.currency,
        "attempt_count": invoice.attempt_count,
        "next_payment_attempt": next_attempt.isoformat() if next_attempt else None,
    }
