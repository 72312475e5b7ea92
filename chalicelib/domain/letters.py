"""What a message says of one account: the variables of the templates, in the customer's words and zone."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from chalicelib.domain.facts import Item
from chalicelib.domain.mailing import Mail, has_card, zone_of
from chalicelib.domain.policy import Policy

if TYPE_CHECKING:
    from chalicelib.domain.account import Account

ZERO_DECIMAL = frozenset(["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"])
"""Currencies whose minor unit is the whole one (docs.stripe.com/currencies#zero-decimal)."""

SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£"}


_LOOKS_LIKE_A_LINK = re.compile(r"://|www\.|/|@|[^\s.]\.[a-z]{2,}(?:\W|$)", re.IGNORECASE)
"""A name that mail programs would make a link of: somebody signs up strangers to have an address of theirs mailed to them."""


def variables(account: "Account", mail: Mail, policy: Policy, now: datetime, links: Mapping[str, str]) -> dict[str, object]:
    """The variables of `mail` for this account, with `links` by name; empty ones for what cannot be unsubscribed from. Values, never templates."""
    letter = policy.mail
    assert letter is not None
    zone = zone_of(account, letter)
    standing = account.standing
    end = mail.occasion.moment if mail.occasion.anchor == "trial_ends" else _trial_end(account)
    plan = policy.plan_name(standing.plan if standing else None)
    days_left = max(0, (end.astimezone(zone).date() - now.astimezone(zone).date()).days) if end else 0
    name = "" if _LOOKS_LIKE_A_LINK.search(account.name or "") else account.name or ""
    first_name = name.split(" ")[0]
    return {
        "product": letter.product,
        "sender": letter.sender,
        "name": name,
        "greeting": f"Hello {first_name}," if first_name else "Hello,",
        "plan": plan,
        "price": spoken_price(account),
        "has_card": has_card(account),
        "trial_ends_on": spoken_day(end, zone) if end else "",
        "trial_ends_at": f"{spoken_day(end, zone)} at {end.astimezone(zone):%H:%M} ({zone.key})" if end else "",
        "days_left": days_left,
        "days_left_words": "today" if days_left == 0 else "1 day" if days_left == 1 else f"{days_left} days",
        "trial_days": policy.trial.days,
        "asked_at": f"{spoken_day(mail.occasion.moment, zone)} at {mail.occasion.moment.astimezone(zone):%H:%M} ({zone.key})",
        "app_url": letter.app_url,
        "booking_url": letter.booking_url,
        "postal_address": letter.postal_address,
        "support_email": letter.support_email,
        "reason": standing.reason if standing else "",
        **links,
    }


def money(amount: int, currency: str) -> str:
    """An amount in minor units as people write it: $49.00, ¥4900 as 4,900 JPY."""
    whole = currency in ZERO_DECIMAL
    number = f"{amount:,}" if whole else f"{amount / 100:,.2f}"
    return f"{SYMBOLS[currency]}{number}" if currency in SYMBOLS else f"{number} {currency.upper()}"


def spoken_day(moment: datetime, zone: ZoneInfo) -> str:
    """The day of a moment in a zone, as it is spoken: Friday, 13 March 2026."""
    local = moment.astimezone(zone)
    return f"{local:%A}, {local.day} {local:%B %Y}"


def _trial_end(account: "Account") -> datetime | None:
    ends = [known.value.trial_end for known in account.subscriptions.values() if known.value.trial_end]
    return max(ends, default=account.signup.trial_ends_at if account.signup else None)


def spoken_price(account: "Account") -> str:
    """What the running subscription costs, if it is one price: "$49.00 a month", "$490.00 every 2 years"."""
    running = [known.value for known in account.subscriptions.values() if not known.value.final]
    items: tuple[Item, ...] = max(running, key=lambda one: (one.created, one.id)).items if running else ()
    if len(items) != 1 or items[0].amount is None or not items[0].currency or not items[0].interval:
        return ""
    (item,) = items
    cost = money((item.amount or 0) * (item.quantity or 1), item.currency or "")
    return f"{cost} a {item.interval}" if item.interval_count == 1 else f"{cost} every {item.interval_count} {item.interval}s"
