"""Occasions: the present instances of the anchors of sequences, such as the end of one trial."""

from collections.abc import Iterator
from datetime import UTC, datetime

from chalicelib.domain.account.links import sign_in_mark
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.payments import (
    failed_since,
    first_paid_invoice,
    paid_since_trial,
    unpaid_invoices,
    was_ever_paid,
)
from chalicelib.domain.account.queries import (
    cancellation_is_requested,
    card_of,
    known_invoices,
    plan_of,
    restarts_trial,
)
from chalicelib.domain.account.standing import ON_TRIAL
from chalicelib.domain.account.state import Account
from chalicelib.domain.account.terms import has_fixed_term, is_canceling
from chalicelib.domain.messaging.broadcasts import fits
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.values import frozen

TRIAL_GONE = ON_TRIAL | {"first_payment", "trial_expired", "after_trial", "paused", "canceled"}
"""The reasons of a standing in which the trial's messages apply. With another subscription that
gives more access the standing has another reason.
"""


PAYS_NEXT = frozenset({"trialing", "active", "past_due"})
"""The statuses of a subscription whose card will be charged."""


@frozen
class Occasion:
    """One instance of an anchor, at the time `moment`. `id` identifies it among those of its
    anchor, such as the second end of an extended trial. `about` is the id of the invoice,
    subscription, card or milestone that it concerns; empty if there is none.
    """

    anchor: str
    id: str
    moment: datetime
    about: str = ""


def occasions(account: Account, policy: Policy) -> list[Occasion]:
    """All occasions that have not lapsed, by the standing as last saved."""
    return [
        *_asked_for(account),
        *_trials(account),
        *_milestones(account, policy),
        *_departure(account),
        *_failed_payments(account),
        *_sent_invoices(account),
        *_payments(account),
        *_conversions(account),
        *_plan_change(account, policy),
        *_cancellations(account),
        *_expiring_cards(account),
        *_instance(account),
        *_broadcasts(account),
    ]


def subscription_of(account: Account, occasion: Occasion) -> Subscription | None:
    """The subscription that an occasion concerns, directly or by its invoice; None if it concerns
    something else, or a subscription that is no longer kept.
    """
    invoice = account.invoices.get(occasion.about)
    known = account.subscriptions.get(
        (invoice.value.subscription or "") if invoice else occasion.about
    )
    return known.value if known else None


def _asked_for(account: Account) -> Iterator[Occasion]:
    asked = account.sign_in_asked_at
    if asked and (account.signed_in_by is None or account.signed_in_by < asked):
        yield Occasion("sign_in_asked", sign_in_mark(account), asked)
    if account.leave and cancellation_is_requested(account):
        yield Occasion(f"{account.leave.what}_asked", account.leave.id, account.leave.at)
    if account.withdrawn_at:
        yield Occasion("withdrawn", _second(account.withdrawn_at), account.withdrawn_at)
    for change in account.address_changes:
        if change.confirmed_at:
            yield Occasion("email_changed", change.id, change.confirmed_at, change.id)
        else:
            yield Occasion("email_asked", change.id, change.at, change.id)
    if account.signup and account.signup.confirm:
        yield Occasion("confirmation_wanted", "signup", account.signup.at)


def _trials(account: Account) -> Iterator[Occasion]:
    reason = account.standing.reason if account.standing else None
    if reason not in TRIAL_GONE:
        return
    for trial in _own_trials(account):
        if trial.trial_end is None or not _ran_its_course(account, trial):
            continue
        if reason in ON_TRIAL:
            yield Occasion(
                "trial_started",
                _signup_id(account.signup) if account.signup else trial.id,
                trial.trial_start or trial.created,
                trial.id,
            )
        yield Occasion("trial_ends", _second(trial.trial_end), trial.trial_end, trial.id)
    awaited = not account.subscriptions and not account.ended
    if account.signup and (awaited or restarts_trial(account)):
        if reason in ON_TRIAL:
            yield Occasion("trial_started", _signup_id(account.signup), account.signup.at)
        yield Occasion(
            "trial_ends", _second(account.signup.trial_ends_at), account.signup.trial_ends_at
        )


def _own_trials(account: Account) -> list[Subscription]:
    """The trials at Stripe, without those of earlier signups once the trial was begun anew."""
    signup = account.signup
    if restarts_trial(account):
        return []
    return [
        known.value
        for known in account.subscriptions.values()
        if known.value.trial_end
        and not (signup and signup.number and known.value.trial_end <= signup.at)
    ]


def _signup_id(signup: Signup) -> str:
    """The id of the start of a signup's trial. Another signup is welcomed by itself."""
    return f"signup-{signup.number}" if (signup.number or 1) > 1 else "signup"


def _ran_its_course(account: Account, trial: Subscription) -> bool:
    """Whether the trial runs, or ended, by its end alone: it was not paid, not canceled before its
    end, and nothing else was bought after it.
    """
    end = trial.trial_end
    if end is None or paid_since_trial(account, trial) or is_canceling(trial):
        return False
    if any(
        billed.value.amount_paid and billed.value.created >= end
        for billed in account.invoices.values()
    ):
        return False
    return not trial.final or (trial.ended_at is not None and trial.ended_at >= end)


def _milestones(account: Account, policy: Policy) -> Iterator[Occasion]:
    for trial in (one for one in _trials(account) if one.anchor == "trial_started"):
        for name, milestone in policy.milestones.items():
            if milestone.title and name not in account.milestones:
                yield Occasion(
                    "milestone_waits", f"{name}-{trial.id}", trial.moment + milestone.after, name
                )


def _departure(account: Account) -> Iterator[Occasion]:
    if account.departed_at:
        yield Occasion("access_ended", _second(account.departed_at), account.departed_at)


def _instance(account: Account) -> Iterator[Occasion]:
    instance = account.instance
    if instance is None:
        return
    if instance.late_at and instance.state == "ready":
        yield Occasion("instance_ready", _second(instance.late_at), instance.late_at)
    if instance.deletes_at:
        yield Occasion("instance_deletes", _second(instance.deletes_at), instance.deletes_at)


def _failed_payments(account: Account) -> Iterator[Occasion]:
    for invoice in unpaid_invoices(account):
        yield Occasion("payment_failed", invoice.id, failed_since(account, invoice), invoice.id)
        if invoice.next_payment_attempt:
            yield Occasion(
                "next_try",
                f"{invoice.id}-{invoice.attempt_count + 1}",
                invoice.next_payment_attempt,
                invoice.id,
            )


def _sent_invoices(account: Account) -> Iterator[Occasion]:
    for invoice in (billed.value for billed in account.invoices.values()):
        is_ours = invoice.subscription in account.subscriptions
        if (
            is_ours
            and invoice.status == "open"
            and invoice.send_invoice
            and invoice.due_date
            and not account.payment_of(invoice.id).is_processing
        ):
            yield Occasion("invoice_due", invoice.id, invoice.due_date, invoice.id)


def _payments(account: Account) -> Iterator[Occasion]:
    for invoice in (billed.value for billed in known_invoices(account).values()):
        if invoice.status == "paid" and invoice.amount_paid and invoice.paid_at:
            yield Occasion("payment_succeeded", invoice.id, invoice.paid_at, invoice.id)


def _conversions(account: Account) -> Iterator[Occasion]:
    for subscription in (known.value for known in account.subscriptions.values()):
        first = (
            None
            if subscription.final or is_canceling(subscription)
            else first_paid_invoice(account, subscription)
        )
        begins = subscription.trial_end or subscription.created
        # For a customer who was adopted later, the first known payment may be the tenth.
        if (
            first
            and first.paid_at
            and (account.history_until is None or begins >= account.history_until)
        ):
            yield Occasion("converted", subscription.id, first.paid_at, subscription.id)


def _plan_change(account: Account, policy: Policy) -> Iterator[Occasion]:
    change = account.plan_change
    known = account.subscriptions.get(change.subscription) if change else None
    if (
        change
        and known
        and not known.value.final
        and plan_of(account, known.value, policy) != (change.plan, change.quantity)
    ):
        yield Occasion("plan_changed", _second(change.at), change.at, change.subscription)


def _cancellations(account: Account) -> Iterator[Occasion]:
    has_access = account.standing is not None and account.standing.access != "none"
    paid_for = []
    for one in (known.value for known in account.subscriptions.values()):
        if has_fixed_term(one):
            continue
        stands = (
            one.cancellation_scheduled
            if not one.final
            else not has_access and not _ran_its_course(account, one)
        )
        if one.canceled_at and by_the_customer(one) and stands:
            yield Occasion(
                "canceling", f"{one.id}-{_second(one.canceled_at)}", one.canceled_at, one.id
            )
        end = one.ended_at or one.cancels_at
        if end and was_ever_paid(account, one):
            paid_for.append((end, one.id))
    if paid_for and account.standing and account.standing.reason == "canceled":
        end, id = max(paid_for)
        yield Occasion("canceled", id, end, id)


def by_the_customer(one: Subscription) -> bool:
    """Whether the customer canceled, and not Stripe for a failed or disputed payment."""
    return one.cancellation_details is None or one.cancellation_details.reason in (
        None,
        "cancellation_requested",
    )


def _expiring_cards(account: Account) -> Iterator[Occasion]:
    living = (known.value for known in account.subscriptions.values())
    cards = [
        card_of(account, one) for one in living if one.status in PAYS_NEXT and not is_canceling(one)
    ]
    for card in {card.id: card for card in cards if card and not card.debit}.values():
        year, month = (
            (card.exp_year, card.exp_month + 1) if card.exp_month < 12 else (card.exp_year + 1, 1)
        )
        yield Occasion(
            "card_expires",
            f"{card.id}-{card.exp_year}-{card.exp_month:02}",
            datetime(year, month, 1, tzinfo=UTC),
            card.id,
        )


def _broadcasts(account: Account) -> Iterator[Occasion]:
    for name, wanted in account.broadcasts.items():
        if fits(account, wanted.to):
            yield Occasion(f"broadcast:{name}", name, wanted.at)


def _second(moment: datetime) -> str:
    return f"{moment.timestamp():.0f}"
