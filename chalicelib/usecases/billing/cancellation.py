"""Cancellation by the customer: the retention offer, the mailed link that confirms, and the exit
feedback.
"""

from datetime import datetime, timedelta

from chalicelib.domain.account.cancellation import (
    CancellationConfirmed,
    CancellationRequest,
    CancellationRequested,
    ExitFeedbackGiven,
    RetentionOfferAccepted,
)
from chalicelib.domain.account.operations import Operation
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing import cancellation_rules, decisions
from chalicelib.domain.billing.cancellation_rules import Offer
from chalicelib.domain.billing.idempotency import IdempotentRequest, Outcome
from chalicelib.domain.errors import NotPossible, Refused, Unavailable
from chalicelib.domain.policy.policy import RetentionOffer
from chalicelib.usecases.billing.actions import cancel
from chalicelib.usecases.billing.perform_once import perform_once
from chalicelib.usecases.billing.withdrawal import withdrawal
from chalicelib.usecases.enqueue import enqueue_if_due
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.services import Services
from chalicelib.values import replace


def offered(account: Account, reason: str | None, services: Services) -> Offer | None:
    """The retention offer for a reason. None also if it is a coupon that cannot be looked up: that
    must not keep anybody from canceling.
    """
    found = cancellation_rules.retention_offer(
        account, services.policy, reason, services.clock.now()
    )
    if found is None or found.kind != "coupon":
        return Offer(found) if found else None
    try:
        coupon = services.stripe.subscriptions.coupon(found.value)
    except (Unavailable, Refused):
        return None
    return Offer(found, coupon) if coupon and coupon.valid else None


def take_alternative(account: Account, reason: str, services: Services) -> RetentionOffer | None:
    """Accept the retention offer for a reason, once however often it is sent; None if there is no
    offer.

    A smaller `plan` is only noted, because the customer has to see its price first. Raises as the
    actions do.
    """
    offer, now = (
        cancellation_rules.retention_offer(account, services.policy, reason, services.clock.now()),
        services.clock.now(),
    )
    if offer is None:
        return None
    if offer.kind == "plan":
        apply_facts(
            account, [RetentionOfferAccepted("plan", now)], services, StripeFetcher(services)
        )
        return offer

    def decide(found: Account, now: datetime) -> Operation | None:
        if cancellation_rules.retention_offer(found, services.policy, reason, now) != offer:
            return None  # it was accepted meanwhile, by a double click or in another tab
        pauses = offer.kind == "pause"
        task = (
            decisions.own_pause(found, now + timedelta(days=offer.days), now)
            if pauses
            else decisions.discount(found, offer.value, now)
        )
        return replace(task, alternative=offer.kind) if task else None

    last = account.alternatives.get(offer.kind)
    times = f"{last.timestamp():.0f}" if last else "first"
    perform_once(
        account.id,
        IdempotentRequest(f"instead {offer.kind}", f"page instead {offer.kind} {times}"),
        decide,
        services,
    )
    return offer


def ask_to_leave(
    account: Account, what: str, reason: str | None, comment: str | None, services: Services
) -> None:
    """Have a link mailed that ends the subscription at once: `cancel_now`, or `withdraw`. Raises
    NotPossible if billing.toml does not allow it.
    """
    now = services.clock.now().replace(microsecond=0)
    if not account.email:
        raise NotPossible("We have no address to write to. Please write to us.")
    if what == "withdraw":
        withdrawal(account, now, now, services)
    elif services.policy.cancel.now:
        decisions.cancellation(account, "now", reason, comment, now)
    else:
        raise NotPossible("A subscription ends with what is paid for.")
    enqueue_if_due(
        apply_facts(
            account,
            [CancellationRequested(CancellationRequest(what, now, reason, comment))],
            services,
            StripeFetcher(services),
        ),
        services,
    )


def leave(account: Account, asked: CancellationRequest, services: Services) -> Outcome:
    """Do what the mailed link was requested for, once however often it is confirmed. Raises as the
    actions do.
    """
    once = IdempotentRequest(f"leave {asked.what}", f"page leave {asked.id}")
    if asked.what == "withdraw":
        outcome = perform_once(
            account.id,
            once,
            lambda found, now: withdrawal(found, asked.at, now, services),
            services,
        )
    else:
        outcome = cancel(account.id, once, "now", asked.reason, asked.comment, services)
    found = services.stores.accounts.load(account.id) or account
    enqueue_if_due(
        apply_facts(found, [CancellationConfirmed(asked.at)], services, StripeFetcher(services)),
        services,
    )
    return outcome


def give_feedback(
    account: Account, occasion: str, answer: str, comment: str, services: Services
) -> bool:
    """Record the exit feedback for an occasion; False if it can no longer be changed."""
    now = services.clock.now()
    updated = apply_facts(
        account,
        [ExitFeedbackGiven(occasion, answer, comment, now)],
        services,
        StripeFetcher(services),
    )
    given = updated.feedback[occasion]
    return (given.answer, given.comment) == (answer, comment)
