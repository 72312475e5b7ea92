"""The texts and values of the welcome and billing pages, with dates in the customer's time zone."""

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
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Card, Subscription
from chalicelib.localization.amounts import money
from chalicelib.localization.dates import spoken_day
from chalicelib.localization.prices import brand_of, spoken_price

INVOICES_SHOWN = 12
"""The number of invoices on the billing page: the newest ones."""


INVOICE_STATUS = {"open": "to be paid", "void": "canceled", "uncollectible": "written off"}
"""Stripe's status of an invoice → its text, where it differs."""


@dataclass(frozen=True, slots=True)
class Words:
    """The text for a standing. `detail` may contain `{until}`, `{period_end}` and `{plan}`. `tone`
    is `good`, `warn` or `bad`.
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
    "first_payment": Words("Your trial has ended", "Your first payment is being processed."),
    "trial_expired": Words(
        "Your trial has ended",
        "Nothing was charged. Choose a plan to continue where you left off.",
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
        "Your last payment is not confirmed yet",
        "Please check your card and your invoices.",
        "warn",
    ),
    "past_due_grace": Words(
        "Your last payment failed",
        "Please update your card. Everything stays open until {until}.",
        "warn",
    ),
    "past_due": Words(
        "Your last payment failed", "Please update your card to get full access again.", "bad"
    ),
    "payment_incomplete": Words("Your payment was not completed", "Please try again.", "bad"),
    "incomplete_expired": Words(
        "Your payment was not completed", "Please choose a plan and try again.", "bad"
    ),
    "unpaid": Words(
        "Your subscription is not paid", "Please update your card to get full access again.", "bad"
    ),
    "paused": Words(
        "Your subscription is paused", "Add a card to continue where you left off.", "bad"
    ),
    "collection_paused": Words("Your payments are paused", "Nothing is charged for now.", "warn"),
    "customer_deleted": Words(
        "Your billing account was closed", "Choose a plan to come back.", "bad"
    ),
    "granted": Words("You have access", "We gave it to you until {until}."),
    "no_subscription": Words("You have no subscription", "Choose a plan to begin.", "bad"),
}
"""Reason of a standing → its text."""

TRIAL_PAUSED = Words(
    "Your trial has ended", "Nothing was charged. Add a card to continue where you left off.", "bad"
)
"""The text for a subscription that the end of its trial paused."""

CARD_HELPS = frozenset({"past_due_grace", "past_due", "unpaid", "paused", "stale"})
"""Reasons of a standing that a new card may resolve. The billing page then offers to add or update
the card.
"""

NOTICES: Mapping[str, tuple[str, str]] = {
    "card_saved": ("done", "Your card is saved."),
    "subscribed": ("done", "Thank you. Your subscription has begun."),
    "pending": ("done", "Stripe is processing it. Please reload this page in a minute."),
    "canceled": ("note", "Nothing was changed."),
    "plan_changed": ("done", "Your plan is changed."),
    "same_plan": ("note", "You have this plan already: nothing was changed."),
    "no_change": (
        "note",
        "Your plan cannot be changed at the moment. See below what to do first.",
    ),
    "canceling": ("done", "Your subscription will end. Until then you can change your mind."),
    "nothing_to_cancel": ("note", "There is nothing to cancel."),
    "leave_asked": (
        "done",
        (
            "We have sent you a mail. Please open the link in it within half an hour. Until then,"
            " nothing ends."
        ),
    ),
    "no_withdrawal": (
        "note",
        "You cannot withdraw from this contract any more. You can cancel it.",
    ),
    "paused": ("done", "Your payments are paused."),
    "discounted": ("done", "You get the discount from your next invoice on."),
    "nothing_offered": ("note", "This offer is not available any more."),
    "uncanceled": ("done", "Your subscription continues."),
    "resumed": ("done", "Your subscription is active again."),
    "declined": ("wrong", "Your card was declined. Nothing was charged. Please use another card."),
    "already_subscribed": (
        "note",
        "You have a subscription with a card already: there is nothing to buy.",
    ),
}
"""The `notice` in the billing page's URL → its style and text."""


def welcome_view(account: Account, policy: Policy, now: datetime) -> dict[str, Any]:
    """The values of the welcome page. They contain nothing private, because anyone who types an
    address into the signup form sees the page.
    """
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
    """The values of the billing page, for every standing. `notice` is a key of NOTICES; others are
    ignored.
    """
    current = standing(account, policy, now)
    subscription = current_subscription(account)
    zone = zone_of(account, policy)
    card = has_card(account, subscription)
    offers_card = subscription is not None and (not card or current.reason in CARD_HELPS)
    return {
        **_words(current, account, policy, zone),
        "status": current.status,
        "plan": policy.plan_name(current.plan),
        "price": spoken_price(account),
        "card": _card_words(card_of(account, subscription), card),
        "card_label": ("Update your card" if card else "Add a card") if offers_card else "",
        "offers": [] if subscription else _offers(policy),
        "has_portal": bool(account.customers),
        "may_change": may_change(account, policy),
        "may_cancel": may_cancel(account),
        "may_withdraw": may_withdraw(account, policy, now),
        "back_label": _reactivate_label(subscription, card),
        "pay_url": _open_invoice(account),
        "invoices": _invoices(account, zone),
        "notice": NOTICES.get(notice or ""),
        "app_url": policy.mail.app_url if policy.mail else "",
        "email": account.email or "",
    }


def _words(current: Standing, account: Account, policy: Policy, zone: ZoneInfo) -> dict[str, str]:
    subscription = current_subscription(account)
    after_trial = (
        current.reason == "paused"
        and subscription is not None
        and subscription.trial_end is not None
    )
    words = TRIAL_PAUSED if after_trial else WORDS[current.reason]
    period_end = subscription.period_end if subscription else None
    values = {
        "until": spoken_day(current.until, zone) if current.until else "further notice",
        "period_end": spoken_day(period_end, zone) if period_end else "further notice",
        "plan": policy.plan_name(current.plan) or "your plan",
    }
    until = values["until"] if current.until and "{until}" in words.detail else ""
    return {
        "headline": words.headline,
        "detail": words.detail.format(**values),
        "tone": words.tone,
        "until": until,
    }


def _card_words(card: Card | None, on_file: bool) -> str:
    """The card that pays: its brand, last digits and expiry. Says only whether there is a card if
    its details are not stored.
    """
    if card is None:
        return "on file" if on_file else "none on file"
    expires = f"{card.exp_month:02}/{card.exp_year % 100:02}"
    return f"{brand_of(card)} ending {card.last4}, expires {expires}"


def _reactivate_label(subscription: Subscription | None, card: bool) -> str:
    """The label of the button that reactivates a subscription without Stripe's pages; empty if
    there is none.
    """
    if subscription is None:
        return ""
    if subscription.cancellation_scheduled:
        return "Keep my subscription"
    if subscription.pause_collection:
        return "End the pause"
    return "Continue with the card on file" if subscription.status == "paused" and card else ""


def _offers(policy: Policy) -> list[dict[str, str]]:
    """Each plan on sale, once for each interval."""
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
    """The URL at Stripe of the newest open invoice; empty if there is none."""
    unpaid = [
        invoice.value
        for invoice in account.invoices.values()
        if invoice.value.status == "open" and invoice.value.hosted_invoice_url
    ]
    newest = max(unpaid, key=lambda invoice: invoice.created, default=None)
    return newest.hosted_invoice_url or "" if newest else ""


def _invoices(account: Account, zone: ZoneInfo) -> list[dict[str, Any]]:
    invoices = [
        invoice.value
        for invoice in account.invoices.values()
        if invoice.value.status != "draft" and invoice.value.amount_due
    ]
    invoices.sort(key=lambda invoice: (invoice.created, invoice.id), reverse=True)
    return [
        {
            "date": spoken_day(invoice.created, zone),
            "amount": money(invoice.amount_due, invoice.currency or "usd"),
            "status": INVOICE_STATUS.get(invoice.status, invoice.status),
            "path": f"/billing/invoices/{invoice.id}" if invoice.hosted_invoice_url else "",
        }
        for invoice in invoices[:INVOICES_SHOWN]
    ]


def zone_of(account: Account, policy: Policy) -> ZoneInfo:
    """The customer's time zone if it is stored, else the policy's."""
    return ZoneInfo(account.profile.timezone or (policy.mail.timezone if policy.mail else "UTC"))


def _masked(email: str) -> str:
    """An address of which only the first letter and the domain are readable."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}…@{domain}" if local else ""
