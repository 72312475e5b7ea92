"""The domain events that a new version of an account causes, by comparison with the last one."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from chalicelib.domain.account.domain_event import DomainEvent, EventData
from chalicelib.domain.account.parts.invoices import TrackedInvoice
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.payments import failed_attempts, paid_since_trial
from chalicelib.domain.account.queries import creation_order, known_invoices
from chalicelib.domain.account.standing import ON_TRIAL, Standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.account.terms import is_canceling
from chalicelib.domain.changes.event_document import iso_time
from chalicelib.domain.changes.instance_events import instance_events
from chalicelib.domain.stripe_objects.objects import Invoice, Subscription

RECENT = timedelta(days=1)
"""Older invoices of a customer that was just adopted cause no events."""


BY_PRODUCT = "product"
"""Who reported a milestone, if no people system did."""

_ACCESS_TYPES = {"full": "access.granted", "limited": "access.limited", "none": "access.revoked"}

_CAN_EXPIRE = ON_TRIAL | {"first_payment"}
"""The reasons of a standing after which a trial can expire."""

_Events = Iterator[tuple[str, EventData]]
"""(type, data) of events."""


def went_stale(domain_event: DomainEvent) -> bool:
    """Whether access changed because Stripe has reported no next period for too long. With a policy
    of `stale = "full"` access does not change.
    """
    data = domain_event.data
    return domain_event.type in _ACCESS_TYPES.values() and data["reason"] == "stale" != data.get(
        "reason_before"
    )


def domain_events(old: Account, new: Account, now: datetime) -> tuple[DomainEvent, ...]:
    """What happened between two versions of an account, whose standings are as of when they were
    saved. A change of features alone is no event. They are numbered on from the account's last.
    """
    events: dict[str, DomainEvent] = {}
    for type, data in (
        *_of_standing(old, new),
        *_of_trials(old, new, now),
        *_of_subscriptions(old, new),
        *_of_payments(old, new, now),
        *_of_customer(old, new),
        *_of_complaints(old, new),
        *_of_profile(old, new),
        *_of_grants(old, new),
        *_of_milestones(old, new),
        *instance_events(old.instance, new.instance),
    ):
        about = (
            data.get("dispute")
            or data.get("invoice")
            or data.get("subscription")
            or data.get("granted_until")
            or data.get("milestone")
        )
        id = f"{new.id}.{new.epoch}.{new.version}.{type}" + (f".{about}" if about else "")
        number = events[id].sequence if id in events else (new.events or 0) + len(events) + 1
        external_id = new.profile.external_id
        events[id] = DomainEvent(id, type, now, data, number, new.standing, external_id)
    return tuple(events.values())


def _of_standing(old: Account, new: Account) -> _Events:
    before, after = old.standing, new.standing
    if after is None:
        return
    for type in _types_of_standing(before, after):
        yield (
            type,
            {
                "access": after.access,
                "reason": after.reason,
                "status": after.status,
                "plan": after.plan,
                "quantity": after.quantity,
                "until": iso_time(after.until),
                "access_before": before.access if before else None,
                "reason_before": before.reason if before else None,
                "plan_before": before.plan if before else None,
            },
        )


def _types_of_standing(before: Standing | None, after: Standing) -> Iterator[str]:
    if before is None:
        yield "account.created"
    if after.access != (before.access if before else "none"):
        yield _ACCESS_TYPES[after.access]
    if before is None:
        return
    if before.reason in _CAN_EXPIRE and (after.access != "full" or after.reason == "after_trial"):
        yield "trial.expired"
    if before.plan and after.plan and before.plan != after.plan:
        yield "plan.changed"
    if before.quantity and after.quantity and before.quantity != after.quantity:
        yield "quantity.changed"


def _of_trials(old: Account, new: Account, now: datetime) -> _Events:
    if new.signup and not new.signup.confirm and _is_another(old.signup, new.signup):
        yield (
            "trial.started",
            {"subscription": None, "trial_end": iso_time(new.signup.trial_ends_at)},
        )
    for before, after in _subscriptions(old, new):
        if after.trial_end is None:
            continue
        data: EventData = {"subscription": after.id, "trial_end": iso_time(after.trial_end)}
        old_end = before.trial_end if before else None
        if before is None or old_end is None:
            # The trial of a signup has started with the signup.
            if after.status == "trialing" and now < after.trial_end and not new.signup:
                yield "trial.started", data
            continue
        is_moved = after.trial_end != old_end and now < old_end
        if after.status == before.status == "trialing" and is_moved:
            yield "trial.extended" if old_end < after.trial_end else "trial.shortened", data
        if paid_since_trial(new, after) and not paid_since_trial(old, after):
            yield "trial.converted", data


def _is_another(old: Signup | None, new: Signup) -> bool:
    """Whether the trial of a signup begins that was not on trial before."""
    return old is None or old.confirm or (old.number or 1) != (new.number or 1)


def _of_subscriptions(old: Account, new: Account) -> _Events:
    for before, after in _subscriptions(old, new):
        if before is None or before.final:
            continue
        data: EventData = {
            "subscription": after.id,
            "status": after.status,
            "cancels_at": iso_time(after.cancels_at),
        }
        if after.status == "canceled":
            yield "subscription.canceled", data
        elif after.final:
            continue
        elif is_canceling(after) != is_canceling(before):
            canceling = is_canceling(after)
            yield "subscription.canceling" if canceling else "subscription.uncanceled", data
        if after.status == "paused" != before.status:
            yield "subscription.paused", data
        if before.status == "paused" and after.status in {"active", "trialing"}:
            yield "subscription.resumed", data
    billed = _billed(new)
    if len(billed) > max(1, len(_billed(old))):
        newest = max(billed, key=creation_order)
        yield (
            "subscription.duplicated",
            {"subscription": newest.id, "status": newest.status, "number": len(billed)},
        )


def _billed(account: Account) -> list[Subscription]:
    """The subscriptions that Stripe charges for, period after period."""
    subscriptions = (tracked.value for tracked in account.subscriptions.values())
    return [one for one in subscriptions if one.status in {"active", "past_due"}]


def _subscriptions(
    old: Account, new: Account
) -> Iterator[tuple[Subscription | None, Subscription]]:
    """Each subscription before and after."""
    for id, tracked in new.subscriptions.items():
        yield old.subscriptions[id].value if id in old.subscriptions else None, tracked.value


def _of_payments(old: Account, new: Account, now: datetime) -> _Events:
    for id, status in new.disputes.items():
        if id not in old.disputes:
            yield "payment.disputed", {"dispute": id, "status": status}
    for id in new.charged_back:
        if id not in old.charged_back:
            yield "payment.charged_back", _charged_back(new.invoices.get(id), id)
    was_adopted = any(request.what == "invoices" for request in old.asks)
    known, known_before = known_invoices(new), known_invoices(old)
    for id, tracked in sorted(known.items(), key=lambda pair: pair[1].value.created):
        invoice = tracked.value
        if was_adopted and invoice.created < now - RECENT:
            continue
        before = known_before.get(id)
        was_paid = before is not None and before.value.status == "paid"
        failed_before = failed_attempts(old, before) if before else 0
        if invoice.status == "paid" and invoice.amount_paid and not was_paid:
            yield "payment.succeeded", _payment(invoice)
        elif invoice.status == "open" and failed_attempts(new, tracked) > failed_before:
            yield "payment.failed", _payment(invoice)
        error = new.payment_of(id).finalization_error
        if error and error != old.payment_of(id).finalization_error:
            yield "invoice.finalization_failed", {**_payment(invoice), "error": error}


def _charged_back(tracked: TrackedInvoice | None, id: str) -> EventData:
    """The payment that is gone; its amount is None if Stripe has not told of its invoice yet."""
    invoice = tracked.value if tracked else None
    return {
        "invoice": id,
        "amount": invoice.amount_paid if invoice else None,
        "currency": invoice.currency if invoice else None,
    }


def _of_customer(old: Account, new: Account) -> _Events:
    if new.withdrawn_at and new.withdrawn_at != old.withdrawn_at:
        yield "contract.withdrawn", {"withdrawn_at": iso_time(new.withdrawn_at)}
    for occasion, feedback in new.feedback.items():
        if feedback != old.feedback.get(occasion):
            yield (
                "feedback.given",
                {
                    "occasion": occasion,
                    "answer": feedback.answer,
                    "comment": feedback.comment or None,
                },
            )


def _of_complaints(old: Account, new: Account) -> _Events:
    complaint = new.notice_complaint
    if complaint and complaint != old.notice_complaint:
        yield (
            "notice.complained",
            {"message": complaint.step, "complained_at": iso_time(complaint.at)},
        )


def _of_profile(old: Account, new: Account) -> _Events:
    """Only the names of what changed: the account has the values, and forgets them when erased."""
    if old.standing is None:
        return
    changed = [
        name
        for name, change in new.profile_changes.items()
        if change != old.profile_changes.get(name) and _known(old, name) != _known(new, name)
    ]
    if changed:
        sources = {new.profile_changes[name].by for name in changed}
        by = " ".join(sorted(sources))
        yield "account.updated", {"changed": " ".join(sorted(changed)), "by": by}


def _known(account: Account, name: str) -> str | None:
    """The value of a field of the profile, as everything that reads it sees it."""
    value: str | None = getattr(
        account if name in {"email", "name", "language"} else account.profile, name
    )
    return value


def _of_grants(old: Account, new: Account) -> _Events:
    for grant in new.grants:
        if grant not in old.grants:
            yield (
                "grant.given",
                {
                    "granted_until": iso_time(grant.until),
                    "plan": grant.plan,
                    "note": grant.note or None,
                },
            )


def _of_milestones(old: Account, new: Account) -> _Events:
    """Only the first report of each: an earlier time that comes later is no event."""
    for name, at in new.milestones.items():
        if name not in old.milestones:
            by = new.milestones_by.get(name, BY_PRODUCT)
            yield (
                "milestone.reached",
                {"milestone": name, "reached_at": iso_time(at), "reported_by": by},
            )


def _payment(invoice: Invoice) -> EventData:
    return {
        "invoice": invoice.id,
        "subscription": invoice.subscription,
        "amount_due": invoice.amount_due,
        "amount_paid": invoice.amount_paid,
        "currency": invoice.currency,
        "attempt_count": invoice.attempt_count,
        "next_payment_attempt": iso_time(invoice.next_payment_attempt),
    }
