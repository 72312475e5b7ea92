"""Occasions: the instances of the moments to which sequences are anchored, as far as their reason stands now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.domain.facts import Subscription
from chalicelib.domain.leaving import is_asked
from chalicelib.domain.payments import invoices_of, paid_since_trial

if TYPE_CHECKING:
    from chalicelib.domain.account import Account

ON_TRIAL = frozenset({"trialing", "trial_starting"})
TRIAL_GONE = ON_TRIAL | {"first_payment", "trial_expired", "after_trial", "paused", "canceled"}
"""The reasons of a standing in which the end of a trial is still what matters; another subscription that gives more has others."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """One instance of an anchor. `id` is what tells it from another one: an extended trial's second end, a second departure, another invoice."""

    anchor: str
    id: str
    moment: datetime


def occasions(account: "Account") -> list[Occasion]:
    """All occasions whose reason stands, by the standing as last written."""
    return [*_asked_for(account), *_trials(account), *_departure(account), *_failed_payments(account)]


def _asked_for(account: "Account") -> Iterator[Occasion]:
    asked = account.sign_in_asked_at
    if asked and (account.signed_in_by is None or account.signed_in_by < asked):
        yield Occasion("sign_in_asked", _second(asked), asked)
    if account.leave and is_asked(account):
        yield Occasion(f"{account.leave.what}_asked", account.leave.id, account.leave.at)
    if account.withdrawn_at:
        yield Occasion("withdrawn", _second(account.withdrawn_at), account.withdrawn_at)
    if account.signup and account.signup.confirm:
        yield Occasion("confirmation_wanted", "signup", account.signup.at)


def _trials(account: "Account") -> Iterator[Occasion]:
    reason = account.standing.reason if account.standing else None
    if reason not in TRIAL_GONE:
        return
    trials = [known.value for known in account.subscriptions.values() if known.value.trial_end]
    for trial in trials:
        if trial.trial_end is None or not _ran_its_course(account, trial):
            continue
        if reason in ON_TRIAL:
            yield Occasion("trial_started", trial.id if not account.signup else "signup", trial.trial_start or trial.created)
        yield Occasion("trial_ends", _second(trial.trial_end), trial.trial_end)
    if account.signup and not account.subscriptions and not account.ended:
        if reason in ON_TRIAL:
            yield Occasion("trial_started", "signup", account.signup.at)
        yield Occasion("trial_ends", _second(account.signup.trial_ends_at), account.signup.trial_ends_at)


def _ran_its_course(account: "Account", trial: Subscription) -> bool:
    """Whether nothing but its end was ahead of the trial: not paid for, and not canceled before."""
    if paid_since_trial(account, trial) or trial.cancels_scheduled:
        return False
    return not trial.final or (trial.ended_at is not None and trial.trial_end is not None and trial.ended_at >= trial.trial_end)


def _departure(account: "Account") -> Iterator[Occasion]:
    if account.departed_at:
        yield Occasion("access_ended", _second(account.departed_at), account.departed_at)


def _failed_payments(account: "Account") -> Iterator[Occasion]:
    for known in account.subscriptions.values():
        for invoice in invoices_of(account, known.value):
            if invoice.status == "open" and invoice.attempt_count and not known.value.final:
                yield Occasion("payment_failed", invoice.id, invoice.finalized_at or invoice.created)


def _second(moment: datetime) -> str:
    return f"{moment.timestamp():.0f}"
