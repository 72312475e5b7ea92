"""The values of the pages that change a plan: the plans on sale, and the exact cost of a change."""

from typing import Any

from chalicelib.domain.account.queries import (
    as_recognized,
    currency_of,
    current_subscription,
    plan_of,
    zone_of,
)
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.decisions import plan_item
from chalicelib.domain.billing.preview import Preview
from chalicelib.domain.billing.selling import amount_after
from chalicelib.domain.policy.policy import Policy
from chalicelib.localization.amounts import money
from chalicelib.localization.dates import spoken_day
from chalicelib.pages.offers import offers_in, price_text
from chalicelib.pages.texts import text

SEATS_AT_MOST = 10_000
"""The highest number of seats that the page accepts. For more, a customer contacts the owner."""


def plan_view(account: Account, policy: Policy, language: str) -> dict[str, Any]:
    """The values of the page to choose a plan: each plan and interval on sale in the customer's
    currency, and the current seats.
    """
    subscription = current_subscription(account)
    assert subscription
    item = plan_item(as_recognized(account, subscription, policy), policy)
    currency = currency_of(account, policy)
    current = plan_of(account, subscription, policy)[0], item.interval
    offers = [
        offer
        | {
            "value": f"{offer['plan']}:{offer['interval']}",
            "is_current": (offer["plan"], offer["interval"]) == current,
        }
        for offer in offers_in(policy, currency, language)
    ]
    return {
        "offers": offers,
        "not_sold_in": "" if offers else currency.upper(),
        "support_email": policy.mail.support_email if policy.mail else "",
        "seats": item.quantity or 1,
        "seats_at_most": SEATS_AT_MOST,
        "current": policy.plan_name(current[0]),
    }


def preview_view(
    account: Account, policy: Policy, preview: Preview, moved: bool, language: str
) -> dict[str, Any]:
    """The values of the page that previews a change: the amount due now, and when the new price
    applies. `moved` means that the amount differs from the one shown before.
    """
    change, subscription = preview.change, current_subscription(account)
    zone = zone_of(account, policy.mail)
    assert change
    assert subscription
    item = plan_item(as_recognized(account, subscription, policy), policy)
    amount = amount_after(item, change, policy, preview.currency)
    due_now = money(preview.due_now, preview.currency, language)
    is_trial = subscription.status == "trialing"
    return {
        "plan": policy.plan_name(change.plan),
        "change": change,
        "price": price_text(amount, change.quantity, preview.currency, change.interval, language),
        "label": (
            text("preview.confirm_and_pay", language, amount=due_now)
            if preview.due_now
            else text("preview.confirm", language)
        ),
        "due_now": due_now,
        "is_trial": is_trial,
        "counts_from": (
            spoken_day(subscription.trial_end, zone, language)
            if is_trial and subscription.trial_end
            else ""
        ),
        "next_on": (
            spoken_day(subscription.period_end, zone, language)
            if subscription.period_end and preview.next_amount is not None
            else ""
        ),
        "next_amount": (
            ""
            if preview.next_amount is None
            else money(preview.next_amount, preview.currency, language)
        ),
        "shown": shown(preview),
        "as_of": int(preview.as_of.timestamp()),
        "moved": moved,
    }


def shown(preview: Preview) -> str:
    """The amounts of a preview as one text, to compare them with those at confirmation."""
    return (
        f"{preview.due_now} {'' if preview.next_amount is None else preview.next_amount}"
        f" {preview.currency}"
    )
