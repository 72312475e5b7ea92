"""Which domain events a new version of an account causes, found by comparing two versions."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.queries import paid_since_trial
from chalicelib.domain.account.standing import ON_TRIAL
from chalicelib.domain.account.state import Account
from chalicelib.domain.stripe_objects.objects import Invoice, Subscription

NEWS = timedelta(days=1)
"""An invoice no older than this is news of a customer just adopted."""


_ACCESS_TYPES = {"full": "access.granted", "limited": "access.limited", "none": "access.revoked"}


def went_stale(domain_event: DomainEvent) -> bool:
    """Whether access changed since Stripe owes news of a paid period for too long. With a policy of
    `stale = "full"` nothing changes.
    """
    data = domain_event.data
    return (
        domain_event.type in _ACCESS_TYPES.values()
        and data["reason"] == "stale" != data["reason_before"]
    )


def domain_events(old: Account, new: Account, now: datetime) -> tuple[DomainEvent, ...]:
    """What happened between two versions of an account whose standings are those last written.
    Features are never compared.
    """
    told: dict[str, DomainEvent] = {}
    for type, data in (
        *_of_standing(old, new),
        *_of_trials(old, new, now),
        *_of_subscriptions(old, new),
        *_of_payments(old, new, now),
        *_of_leaving(old, new),
        *_of_grants(old, new),
    ):
        about = (
            data.get("dispute")
            or data.get("invoice")
            or data.get("subscription")
            or data.get("granted_until")
        )
        id = f"{new.id}.{new.epoch}.{new.version}.{type}" + (f".{about}" if about else "")
        told[id] = DomainEvent(id, type, now, data)
    return tuple(told.values())


_Told = Iterator[tuple[str, dict[str, str | int | None]]]


def _of_standing(old: Account, new: Account) -> _Told:
    was, is_ = old.standing, new.standing
    if is_ is None:
        return
    types: list[str] = [] if was else ["account.created"]
    if is_.access != (was.access if was else "none"):
        types.append(_ACCESS_TYPES[is_.access])
    if was and was.reason in _TRIED and (is_.access != "full" or is_.reason == "after_trial"):
        types.append("trial.expired")
    if was and was.plan and is_.plan and was.plan != is_.plan:
        types.append("plan.changed")
    if was and was.quantity and is_.quantity and was.quantity != is_.quantity:
        types.append("quantity.changed")
    for type in types:
        yield (
            type,
            {
                "access": is_.access,
                "reason": is_.reason,
                "status": is_.status,
                "plan": is_.plan,
                "quantity": is_.quantity,
                "until": _iso(is_.until),
                "access_before": was.access if was else None,
                "reason_before": was.reason if was else None,
                "plan_before": was.plan if was else None,
            },
        )


_TRIED = ON_TRIAL | {"first_payment"}


def _of_trials(old: Account, new: Account, now: datetime) -> _Told:
    if new.signup and not new.signup.confirm and (old.signup is None or old.signup.confirm):
        yield "trial.started", {"subscription": None, "trial_end": _iso(new.signup.trial_ends_at)}
    for was, is_ in _pairs(old, new):
        data: dict[str, str | int | None] = {
            "subscription": is_.id,
            "trial_end": _iso(is_.trial_end),
        }
        if is_.trial_end is None:
            continue
        if (
            is_.status == "trialing"
            and now < is_.trial_end
            and not new.signup
            and (was is None or was.trial_end is None)
        ):
            yield "trial.started", data
        if was is None or was.trial_end is None:
            continue
        if (
            is_.status == was.status == "trialing"
            and is_.trial_end != was.trial_end
            and now < was.trial_end
        ):
            yield "trial.extended" if was.trial_end < is_.trial_end else "trial.shortened", data
        if paid_since_trial(new, is_) and not paid_since_trial(old, is_):
            yield "trial.converted", data


def _of_subscriptions(old: Account, new: Account) -> _Told:
    for was, is_ in _pairs(old, new):
        if was is None or was.final:
            continue
        data: dict[str, str | int | None] = {
            "subscription": is_.id,
            "status": is_.status,
            "cancels_at": _iso(is_.cancels_at),
        }
        if is_.status == "canceled":
            yield "subscription.canceled", data
        elif is_.final:
            continue
        elif is_.cancels_scheduled != was.cancels_scheduled:
            yield (
                "subscription.canceling" if is_.cancels_scheduled else "subscription.uncanceled",
                data,
            )
        if is_.status == "paused" != was.status:
            yield "subscription.paused", data
        if was.status == "paused" and is_.status in {"active", "trialing"}:
            yield "subscription.resumed", data


def _pairs(old: Account, new: Account) -> Iterator[tuple[Subscription | None, Subscription]]:
    for id, known in new.subscriptions.items():
        yield old.subscriptions[id].value if id in old.subscriptions else None, known.value


def _of_payments(old: Account, new: Account, now: datetime) -> _Told:
    for id, status in new.disputes.items():
        if id not in old.disputes:
            yield "payment.disputed", {"dispute": id, "status": status}
    adopted = any(ask.what == "invoices" for ask in old.asks)
    for id, billed in sorted(new.invoices.items(), key=lambda pair: pair[1].value.created):
        invoice = billed.value
        if adopted and invoice.created < now - NEWS:
            continue  # what an adopted customer paid before is history
        before = old.invoices[id].value if id in old.invoices else None
        if (
            invoice.status == "paid"
            and invoice.amount_paid
            and not (before and before.status == "paid")
        ):
            yield "payment.succeeded", _money(invoice)
        elif invoice.status == "open" and invoice.attempt_count > (
            before.attempt_count if before else 0
        ):
            yield "payment.failed", _money(invoice)


def _of_leaving(old: Account, new: Account) -> _Told:
    if new.withdrawn_at and new.withdrawn_at != old.withdrawn_at:
        yield "contract.withdrawn", {"withdrawn_at": _iso(new.withdrawn_at)}
    for occasion, given in new.feedback.items():
        if given != old.feedback.get(occasion):
            yield (
                "feedback.given",
                {"occasion": occasion, "answer": given.answer, "comment": given.comment or None},
            )


def _of_grants(old: Account, new: Account) -> _Told:
    for grant in new.grants:
        if grant not in old.grants:
            yield (
                "grant.given",
                {
                    "granted_until": _iso(grant.until),
                    "plan": grant.plan,
                    "note": grant.note or None,
                },
            )


def _money(invoice: Invoice) -> dict[str, str | int | None]:
    return {
        "invoice": invoice.id,
        "subscription": invoice.subscription,
        "amount_due": invoice.amount_due,
        "amount_paid": invoice.amount_paid,
        "currency": invoice.currency,
        "attempt_count": invoice.attempt_count,
        "next_payment_attempt": _iso(invoice.next_payment_attempt),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
