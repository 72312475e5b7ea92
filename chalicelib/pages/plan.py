"""The values of the pages that change a plan: the plans on sale, and the exact cost of a change."""

from typing import Any

from chalicelib.domain.account.queries import currency_of, current_subscription
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.decisions import plan_item
from chalicelib.domain.billing.preview import Preview
from chalicelib.domain.policy.policy import Policy
from chalicelib.localization.amounts import money
from chalicelib.localization.dates import spoken_day
from chalicelib.pages.customer import zone_of

SEATS_AT_MOST = 10_000
"""The highest number of seats that the page accepts. For more, a customer contacts the owner."""


def plan_view(account: Account, policy: Policy) -> dict[str, Any]:
    """The values of the page to choose a plan: each plan and interval on sale in the customer's
    currency, and the current seats.
    """
    subscription = current_subscription(account)
    assert subscription
    item, currency = plan_item(subscription, policy), currency_of(account, policy)
    current = policy.plan_of([item])[0], item.interval
    offers = [
        {
            "value": f"{plan.id}:{interval}",
            "name": plan.name,
            "price": _price(amount, 1, currency, interval),
            "is_current": (plan.id, interval) == current,
        }
        for plan in policy.plans.values()
        for sold_in, interval, _, amount in plan.prices_in(policy.currency)
        if sold_in == currency
    ]
    return {
        "offers": offers,
        "seats": item.quantity or 1,
        "seats_at_most": SEATS_AT_MOST,
        "current": policy.plan_name(current[0]),
    }


def preview_view(account: Account, policy: Policy, preview: Preview, moved: bool) -> dict[str, Any]:
    """The values of the page that previews a change: the amount due now, and when the new price
    applies. `moved` means that the amount differs from the one shown before.
    """
    change, subscription = preview.change, current_subscription(account)
    zone = zone_of(account, policy)
    assert change
    assert subscription
    amount = next(
        (
            price
            for currency, interval, _, price in policy.plans[change.plan].prices_in(policy.currency)
            if (currency, interval) == (preview.currency, change.interval)
        ),
        None,
    )
    is_trial = subscription.status == "trialing"
    return {
        "plan": policy.plan_name(change.plan),
        "change": change,
        "price": _price(amount, change.quantity, preview.currency, change.interval),
        "label": (
            f"Change and pay {money(preview.due_now, preview.currency)}"
            if preview.due_now
            else "Change"
        ),
        "due_now": money(preview.due_now, preview.currency),
        "is_trial": is_trial,
        "counts_from": (
            spoken_day(subscription.trial_end, zone) if is_trial and subscription.trial_end else ""
        ),
        "next_on": (
            spoken_day(subscription.period_end, zone)
            if subscription.period_end and preview.next_amount is not None
            else ""
        ),
        "next_amount": (
            "" if preview.next_amount is None else money(preview.next_amount, preview.currency)
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


def _price(amount: int | None, seats: int, currency: str, interval: str | None) -> str:
    return (
        f"{money(amount * seats, currency)} a {interval}"
        if amount is not None
        else f"by the {interval}"
    )
