"""What the pages about another plan say: what there is to choose, and what it costs to the cent
before it is done.
"""

from typing import Any

from chalicelib.domain.account.queries import currency_of, current_subscription
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.decisions import plan_item
from chalicelib.domain.billing.preview import Preview
from chalicelib.domain.messaging.variables import money, spoken_day
from chalicelib.domain.policy.policy import Policy
from chalicelib.pages.customer import zone_of

SEATS_AT_MOST = 10_000
"""What the page takes; more is a matter for a person."""


def plan_view(account: Account, policy: Policy) -> dict[str, Any]:
    """Each plan by each interval that it is sold by in the customer's currency, and how many seats
    there are.
    """
    one = current_subscription(account)
    assert one
    item, currency = plan_item(one, policy), currency_of(account, policy)
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
    """What a change costs now and from when the new price counts; `moved` says that it is another
    amount than the one just shown.
    """
    change, one, zone = preview.change, current_subscription(account), zone_of(account, policy)
    assert change
    assert one
    amount = next(
        (
            a
            for c, i, _, a in policy.plans[change.plan].prices_in(policy.currency)
            if (c, i) == (preview.currency, change.interval)
        ),
        None,
    )
    is_trial = one.status == "trialing"
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
        "counts_from": spoken_day(one.trial_end, zone) if is_trial and one.trial_end else "",
        "next_on": (
            spoken_day(one.period_end, zone)
            if one.period_end and preview.next_amount is not None
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
    """What the customer has seen, to compare it with what it is when it is confirmed."""
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
