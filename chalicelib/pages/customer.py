"""The values of the billing page and of the way to it, in the customer's language, currency and
time zone.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.domain.access.paid_plans import gives_what_it_costs
from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.links import (
    SIGNED_IN,
    address_of,
    pending_signup,
    signup_behind,
    signups_behind,
)
from chalicelib.domain.account.payments import unpaid_pause
from chalicelib.domain.account.profile import masked
from chalicelib.domain.account.queries import (
    card_of,
    currency_of,
    current_subscription,
    has_card,
    other_subscriptions,
    plan_of,
    zone_of,
)
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.account.terms import ends_with_its_period, is_canceling
from chalicelib.domain.billing.cancellation_rules import may_withdraw
from chalicelib.domain.billing.decisions import may_cancel, may_change
from chalicelib.domain.billing.pending_change import PendingChange
from chalicelib.domain.instances.shown import shown_instance, way_back
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.security.links import Link
from chalicelib.domain.stripe_objects.objects import Card, Subscription
from chalicelib.localization.dates import spoken_day, spoken_moment
from chalicelib.localization.prices import brand_of, price_of
from chalicelib.pages.invoices import invoice_rows, open_invoice_url
from chalicelib.pages.offers import offers_in
from chalicelib.pages.standing_wording import WARNINGS, pays_by_debit, wording_of
from chalicelib.pages.texts import has_text, placeholders, text

TONES: Mapping[str, str] = {
    "unconfirmed": "warn",
    "trial_starting": "good",
    "trialing": "good",
    "first_payment": "good",
    "trial_expired": "bad",
    "after_trial": "good",
    "active": "good",
    "canceling": "warn",
    "canceled": "bad",
    "stale": "warn",
    "past_due_grace": "warn",
    "past_due": "bad",
    "payment_processing": "good",
    "uncollectible": "bad",
    "payment_incomplete": "bad",
    "incomplete_expired": "bad",
    "unpaid": "bad",
    "paused": "bad",
    "collection_paused": "warn",
    "customer_deleted": "bad",
    "granted": "good",
    "no_subscription": "bad",
    "charged_back": "bad",
}
"""Reason of a standing → whether it is `good` news, a warning or `bad`. Its texts are in `texts/`,
as `standing.<reason>`.
"""

CARD_HELPS = frozenset({"past_due_grace", "past_due", "unpaid", "paused", "stale"})
"""Reasons of a standing that a new card may resolve. The billing page then offers to add or update
the card.
"""

NOTICES: Mapping[str, str] = {
    "card_saved": "done",
    "subscribed": "done",
    "pending": "done",
    "canceled": "note",
    "refused": "wrong",
    "plan_changed": "done",
    "same_plan": "note",
    "no_change": "note",
    "canceling": "done",
    "other_canceling": "done",
    "nothing_to_cancel": "note",
    "leave_asked": "done",
    "no_withdrawal": "note",
    "paused": "done",
    "discounted": "done",
    "nothing_offered": "note",
    "uncanceled": "done",
    "resumed": "done",
    "details_saved": "done",
    "email_asked": "done",
    "declined": "wrong",
    "already_subscribed": "note",
    "link_ended": "done",
}
"""The `notice` in the billing page's URL → its style. Its text is in `texts/`, as
`notice.<notice>`.
"""


def entrance_view(account: Account, link: Link, policy: Policy, language: str) -> dict[str, Any]:
    """The values of the page behind a mailed link. If the address was signed up more than once, its
    reader chooses: nothing is shown of what was typed but when, and the plan.
    """
    signup, number = account.signup, signup_behind(link, account)
    zone = ZoneInfo(policy.mail.timezone if policy.mail else "UTC")
    choices = [
        {
            "number": one.number or 1,
            "at": spoken_moment(one.at, zone, language),
            "plan": policy.plan_name(one.plan),
            "own": (one.number or 1) == number,
        }
        for one in signups_behind(link, account)
    ]
    pending = pending_signup(account, link.about) if link.purpose == SIGNED_IN else None
    return {
        "email": masked(address_of(account, link.about if pending else "")),
        "confirms": bool(signup and (signup.confirm or pending)),
        "choices": choices if len(choices) > 1 or number is None else [],
        "settled": account.proved_at is not None and _is_of_another(link, account),
    }


def _is_of_another(link: Link, account: Account) -> bool:
    """Whether a link was mailed for the first signup, and another one was confirmed."""
    number = account.signup.number if account.signup else None
    return link.purpose == "billing" and link.epoch == 0 and (number or 1) > 1


def billing_view(
    account: Account,
    policy: Policy,
    now: datetime,
    notice: str | None,
    language: str,
    pending: Sequence[PendingChange] = (),
) -> dict[str, Any]:
    """The values of the billing page, for every standing. `notice` is a key of NOTICES; others are
    ignored. `pending` is what schedules at Stripe will change. `openings` are empty: see
    openings_view.
    """
    current = standing(account, policy, now)
    subscription = current_subscription(account)
    zone = zone_of(account, policy.mail)
    card = has_card(account, subscription)
    by_debit = pays_by_debit(account, subscription)
    # Who is sent invoices pays each of them by its own page, and needs no card for that.
    needs_card = subscription is not None and not subscription.send_invoice
    offers_card = needs_card and (not card or current.reason in CARD_HELPS)
    currency = currency_of(account, policy)
    offers = [] if subscription else offers_in(policy, currency, language)
    is_priced = subscription and gives_what_it_costs(account, subscription, policy, now)
    priced = subscription if is_priced else None
    return {
        **standing_words(current, account, policy, zone, language),
        "status": _status_text(current.status, language),
        "plan": policy.plan_name(current.plan),
        "price": price_of(account, priced, policy, language),
        "others": _others(account, policy, zone, language),
        "card": _card_words(card_of(account, subscription), card, language),
        "card_label": (text(_card_label(card, by_debit), language) if offers_card else ""),
        "pays_by_debit": by_debit,
        "offers": offers,
        "not_sold_in": "" if subscription or offers else currency.upper(),
        "support_email": policy.mail.support_email if policy.mail else "",
        "has_portal": bool(account.customers),
        "may_change": may_change(account, policy),
        "may_cancel": may_cancel(account),
        "may_withdraw": may_withdraw(account, policy, now),
        "schedule": _schedule_words(subscription, pending, policy, zone, language),
        "back_label": _reactivate_label(account, now, card, language),
        "pay_url": open_invoice_url(account),
        "invoices": invoice_rows(account, policy, zone, language),
        "notice": _notice(notice, language),
        "app_url": way_back(account, policy, now) or (policy.mail.app_url if policy.mail else ""),
        "instance": _instance_words(account, policy, now, zone, language),
        "email": account.email or "",
        "signs_in": policy.signup is not None,
        "openings": [],
    }


def _instance_words(
    account: Account, policy: Policy, now: datetime, zone: ZoneInfo, language: str
) -> str:
    """The words about a suspended instance; empty for every other."""
    shown = shown_instance(account, policy, now)
    if shown is None or shown.phase != "suspended":
        return ""
    if shown.deletes_at is None:
        return text("billing.suspended", language)
    day = spoken_day(shown.deletes_at, zone, language)
    return text("billing.suspended_until", language, day=day)


def _others(
    account: Account, policy: Policy, zone: ZoneInfo, language: str
) -> list[dict[str, str]]:
    """The live subscriptions beside the one that the page is about, each to be canceled."""
    found = []
    for one in other_subscriptions(account):
        ends = one.cancels_at or one.period_end
        day = spoken_day(ends, zone, language) if ends else ""
        plan = policy.plan_name(plan_of(account, one, policy)[0])
        found.append(
            {
                "id": one.id,
                "name": plan or text("billing.other_plan", language),
                "price": price_of(account, one, policy, language),
                "ends_on": day if ends_with_its_period(one) else "",
                "until": "" if one.status == "paused" else day,
            }
        )
    return found


def _schedule_words(
    subscription: Subscription | None,
    pending: Sequence[PendingChange],
    policy: Policy,
    zone: ZoneInfo,
    language: str,
) -> str:
    """What a schedule at Stripe will change; empty without a schedule."""
    if subscription is None or subscription.schedule is None:
        return ""
    change = min(pending, key=lambda change: change.at, default=None)
    if change is None or change.plan is None:
        return text("billing.schedule", language)
    return text(
        "billing.pending_change",
        language,
        day=spoken_day(change.at, zone, language),
        plan=policy.plan_name(change.plan),
    )


def _card_label(on_file: bool, by_debit: bool) -> str:
    """The key of the label of the button that leads to the payment method."""
    if by_debit:
        return "billing.update_method"
    return "billing.update_card" if on_file else "billing.add_card"


def _notice(notice: str | None, language: str) -> tuple[str, str] | None:
    """Style and text of a notice; None for none, and for one that is not known."""
    if notice is None or notice not in NOTICES:
        return None
    return NOTICES[notice], text(f"notice.{notice}", language)


def standing_words(
    current: Standing, account: Account, policy: Policy, zone: ZoneInfo, language: str
) -> dict[str, str]:
    """Headline, detail and tone of a standing, and its end if the detail names it."""
    subscription = current_subscription(account)
    wording = wording_of(current.reason, account, subscription)
    name = f"standing.{wording}"
    period_end = subscription.period_end if subscription else None
    plan = policy.plan_name(current.plan)
    detail = f"{name}.detail"
    if not plan and has_text(f"{name}.without_plan", language):
        detail = f"{name}.without_plan"
    open_end = text("further_notice", language)
    until = spoken_day(current.until, zone, language) if current.until else ""
    return {
        "headline": text(f"{name}.headline", language),
        "detail": text(
            detail,
            language,
            until=until or open_end,
            period_end=spoken_day(period_end, zone, language) if period_end else open_end,
            plan=plan,
        ),
        "tone": "warn" if wording in WARNINGS else TONES[current.reason],
        "until": until if "until" in placeholders(detail, language) else "",
    }


def _status_text(status: str, language: str) -> str:
    """A standing's status; one that is not known yet as Stripe writes it."""
    key = f"status.{status}"
    return text(key, language) if has_text(key, language) else status.replace("_", " ")


def _card_words(card: Card | None, on_file: bool, language: str) -> str:
    """What pays: a card's brand, last digits and expiry, or a bank account's last digits. Says only
    whether something is on file if its details are not stored.
    """
    if card is None:
        return text("billing.card_on_file" if on_file else "billing.card_none", language)
    if card.debit:
        return text("billing.account_ending", language, last4=card.last4)
    return text(
        "billing.card_ending",
        language,
        brand=brand_of(card),
        last4=card.last4,
        expires=f"{card.exp_month:02}/{card.exp_year % 100:02}",
    )


def _reactivate_label(account: Account, now: datetime, card: bool, language: str) -> str:
    """The label of the button that reactivates a subscription without Stripe's pages; empty if
    there is none.
    """
    subscription = current_subscription(account)
    if subscription is None:
        return ""
    pause = unpaid_pause(account, subscription)
    if is_canceling(subscription):
        return text("billing.keep_subscription", language)
    if subscription.pause_collection or (pause and pause.paid_until <= now):
        return text("billing.end_pause", language)
    if subscription.status == "paused" and card:
        return text("billing.continue_with_card", language)
    return ""
