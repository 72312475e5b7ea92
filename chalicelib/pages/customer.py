"""What the customer's pages say of an account: values for the templates, in the customer's words
and zone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.domain.access import standing
from chalicelib.domain.account.queries import card_of, current_subscription, has_card
from chalicelib.domain.account.standing import ON_TRIAL, Standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.cancellation_rules import may_withdraw
from chalicelib.domain.billing.decisions import may_cancel, may_change
from chalicelib.domain.messaging.variables import brand_of, money, spoken_day, spoken_price
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Card, Subscription

INVOICES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of a standing. `{until}` and `{plan}` are filled in; `tone` is `good`, `warn` or
    `bad`.
    """

    headline: str
    detail: str
    tone: str = "good"


WORDS: Mapping[str, Words] = {
    "unconfirmed": Words(
        "Please confirm your address",
        "We have sent you a link. Your trial begins when you open it.",
        "warn",
    ),
    "trial_starting": Words(
        "Your trial runs", "Everything in {plan} is open to you until {until}."
    ),
    "trialing": Words("Your trial runs", "Everything in {plan} is open to you until {until}."),
    "first_payment": Words("Your trial has ended", "Your first payment is under way."),
    "trial_expired": Words(
        "Your trial has ended",
        "Nothing was charged. Choose a plan to go on where you left off.",
        "bad",
    ),
    "after_trial": Words(
        "Your trial has ended", "You are on {plan}. Choose another plan whenever you like."
    ),
    "active": Words(
        "Your subscription is active", "You are on {plan}. The paid period runs until {period_end}."
    ),
    "canceling": Words(
        "Your subscription ends", "It is paid until {until} and will not renew.", "warn"
    ),
    "canceled": Words("Your subscription has ended", "Choose a plan to come back.", "bad"),
    "stale": Words(
        "Your last payment is not known yet", "Please look at your card and your invoices.", "warn"
    ),
    "past_due_grace": Words(
        "Your last payment failed",
        "Please update your card. Everything stays open until {until}.",
        "warn",
    ),
    "past_due": Words(
        "Your last payment failed", "Please update your card to have everything back.", "bad"
    ),
    "payment_incomplete": Words("Your payment was not completed", "Please try again.", "bad"),
    "incomplete_expired": Words(
        "Your payment was not completed", "Please choose a plan and try again.", "bad"
    ),
    "unpaid": Words(
        "Your subscription is not paid", "Please update your card to have everything back.", "bad"
    ),
    "paused": Words(
        "Your subscription is paused", "Add a card to go on where you left off.", "bad"
    ),
    "collection_paused": Words("Your payments are paused", "Nothing is charged for now.", "warn"),
    "customer_deleted": Words(
        "Your billing account was closed", "Choose a plan to come back.", "bad"
    ),
    "granted": Words("You have access", "It was given to you until {until}."),
    "no_subscription": Words("You have no subscription", "Choose a plan to begin.", "bad"),
}
"""What is said for every reason of a standing."""

TRIAL_PAUSED = Words(
    "Your trial has ended", "Nothing was charged. Add a card to go on where you left off.", "bad"
)
"""What is said where the end of a trial paused the subscription."""

CARD_WANTED = frozenset({"past_due_grace", "past_due", "unpaid", "paused", "stale"})
"""Reasons that a card mends: the form for it stands first, whether or not there is one on file."""

NOTICES: Mapping[str, tuple[str, str]] = {
    "card_saved": ("done", "Your card is saved."),
    "subscribed": ("done", "Thank you. Your subscription has begun."),
    "pending": ("done", "Stripe has it, and we will within a minute. Please reload this page."),
    "canceled": ("note", "Nothing was changed."),
    "plan_changed": ("done", "Your plan is changed."),
    "same_plan": ("note", "That is what you have: there was nothing to change."),
    "no_change": (
        "note",
        "Your plan cannot be changed as things are. What is to be done first stands below.",
    ),
    "canceling": ("done", "Your subscription will end. Until then you can change your mind."),
    "nothing_to_cancel": ("note", "There is nothing to cancel."),
    "leave_asked": (
        "done",
        (
            "We have written to you. Please open the link in that mail within half an hour: nothing"
            " has ended yet."
        ),
    ),
    "no_withdrawal": (
        "note",
        "This contract cannot be withdrawn from any more. You can cancel it.",
    ),
    "paused": ("done", "Your payments are paused."),
    "discounted": ("done", "The discount is yours, from the next invoice on."),
    "nothing_offered": ("note", "That is not on offer any more."),
    "uncanceled": ("done", "Your subscription goes on."),
    "resumed": ("done", "Your subscription runs again."),
    "declined": ("wrong", "Your card was declined. Nothing was charged. Please give another one."),
    "already_subscribed": (
        "note",
        "You have a subscription with a card already: there is nothing to buy.",
    ),
}
"""What is said to who comes back to the page, by the notice in its address."""


def welcome_view(account: Account, policy: Policy, now: datetime) -> dict[str, Any]:
    """What the welcome page says: nothing that somebody who only typed the address
    must not learn."""
    signup = account.signup
    state = "over"
    if signup and signup.confirm:
        state = "confirm"
    elif standing(account, policy, now).reason in ON_TRIAL:
        state = "runs"
    ends_at = signup.trial_ends_at if signup else None
    return {
        "state": state,
        "plan": policy.plan_name(signup.plan if signup else None),
        "until": spoken_day(ends_at, zone_of(account, policy)) if ends_at else "",
        "written_to": _masked(account.email or ""),
        "first_steps": policy.pages.first_steps,
        "app_url": policy.mail.app_url if policy.mail else "",
        "trial_days": policy.trial.days,
    }


def billing_view(
    account: Account, policy: Policy, now: datetime, notice: str | None
) -> dict[str, Any]:
    """What the billing page says and offers, for every standing there is."""
    stands = standing(account, policy, now)
    subscription = current_subscription(account)
    zone = zone_of(account, policy)
    card = has_card(account, subscription)
    wants_card = subscription is not None and (not card or stands.reason in CARD_WANTED)
    return {
        **_words(stands, account, policy, zone),
        "status": stands.status,
        "plan": policy.plan_name(stands.plan),
        "price": spoken_price(account),
        "card": _card_words(card_of(account, subscription), card),
        "card_label": ("Update your card" if card else "Add a card") if wants_card else "",
        "offers": [] if subscription else _offers(policy),
        "has_portal": bool(account.customers),
        "may_change": may_change(account, policy),
        "may_cancel": may_cancel(account),
        "may_withdraw": may_withdraw(account, policy, now),
        "back_label": _way_back(subscription, card),
        "pay_url": _open_invoice(account),
        "invoices": _invoices(account, zone),
        "notice": NOTICES.get(notice or ""),
        "app_url": policy.mail.app_url if policy.mail else "",
        "email": account.email or "",
    }


def _words(stands: Standing, account: Account, policy: Policy, zone: ZoneInfo) -> dict[str, str]:
    subscription = current_subscription(account)
    after_trial = (
        stands.reason == "paused"
        and subscription is not None
        and subscription.trial_end is not None
    )
    words = TRIAL_PAUSED if after_trial else WORDS[stands.reason]
    period_end = subscription.period_end if subscription else None
    said = {
        "until": spoken_day(stands.until, zone) if stands.until else "further notice",
        "period_end": spoken_day(period_end, zone) if period_end else "further notice",
        "plan": policy.plan_name(stands.plan) or "your plan",
    }
    until = said["until"] if stands.until and "{until}" in words.detail else ""
    return {
        "headline": words.headline,
        "detail": words.detail.format(**said),
        "tone": words.tone,
        "until": until,
    }


def _card_words(card: Card | None, on_file: bool) -> str:
    """The card that pays, as its holder knows it; less where less is known of it."""
    if card is None:
        return "on file" if on_file else "none on file"
    expires = f"{card.exp_month:02}/{card.exp_year % 100:02}"
    return f"{brand_of(card)} ending {card.last4}, expires {expires}"


def _way_back(subscription: Subscription | None, card: bool) -> str:
    """The button of who has left, or is about to, and need not go to Stripe's pages
    to come back."""
    if subscription is None:
        return ""
    if subscription.cancels_scheduled:
        return "Keep my subscription"
    if subscription.pause_collection:
        return "End the pause"
    return "Go on with the card on file" if subscription.status == "paused" and card else ""


def _offers(policy: Policy) -> list[dict[str, str]]:
    """Each plan by each interval that it is sold by."""
    return [
        {
            "plan": plan.id,
            "name": plan.name,
            "interval": interval,
            "price": (
                f"{money(plan.amounts[interval], policy.currency)} a {interval}"
                if interval in plan.amounts
                else f"by the {interval}"
            ),
        }
        for plan in policy.plans.values()
        for interval in plan.lookup_keys
    ]


def _open_invoice(account: Account) -> str:
    waiting = [
        one.value
        for one in account.invoices.values()
        if one.value.status == "open" and one.value.hosted_invoice_url
    ]
    return max(waiting, key=lambda one: one.created).hosted_invoice_url or "" if waiting else ""


def _invoices(account: Account, zone: ZoneInfo) -> list[dict[str, Any]]:
    shown = [
        one.value
        for one in account.invoices.values()
        if one.value.status != "draft" and one.value.amount_due
    ]
    return [
        {
            "date": spoken_day(one.created, zone),
            "amount": money(one.amount_due, one.currency or "usd"),
            "status": (
                {"open": "to be paid", "void": "withdrawn", "uncollectible": "given up"}.get(
                    one.status, one.status
                )
            ),
            "path": f"/billing/invoices/{one.id}" if one.hosted_invoice_url else "",
        }
        for one in sorted(shown, key=lambda one: (one.created, one.id), reverse=True)[
            :INVOICES_SHOWN
        ]
    ]


def zone_of(account: Account, policy: Policy) -> ZoneInfo:
    """The customer's zone, if one is known, else the policy's."""
    return ZoneInfo(account.profile.timezone or (policy.mail.timezone if policy.mail else "UTC"))


def _masked(email: str) -> str:
    """An address to be recognised by who knows it."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}…@{domain}" if local else ""
