"""The variables of message templates for one account, in the customer's language and time zone."""

import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from chalicelib.domain.account.queries import card_of
from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.conditions import holds
from chalicelib.domain.messaging.due_messages import DueMessage, zone_of
from chalicelib.domain.messaging.occasions import subscription_of
from chalicelib.domain.policy.languages import DEFAULT, LANGUAGES, text_in
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Card, Invoice, Item, Subscription

ZERO_DECIMAL = frozenset(
    [
        "bif",
        "clp",
        "djf",
        "gnf",
        "jpy",
        "kmf",
        "krw",
        "mga",
        "pyg",
        "rwf",
        "ugx",
        "vnd",
        "vuv",
        "xaf",
        "xof",
        "xpf",
    ]
)
"""Currencies without a minor unit (docs.stripe.com/currencies#zero-decimal)."""

SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£"}

BRANDS = {
    "amex": "American Express",
    "diners": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
    "eftpos_au": "eftpos",
}
"""Card brands that are not written as Stripe's word with a capital."""

_LOOKS_LIKE_A_LINK = re.compile(r"://|www\.|/|@|[^\s.]\.[a-z]{2,}(?:\W|$)", re.IGNORECASE)
"""A name that mail programs would show as a link. Spammers sign up strangers under such names to
get their address mailed.
"""


def wanted_language(account: Account, policy: Policy) -> str:
    """The language of messages to the account, if the message exists in it."""
    language = account.language
    if language and language in LANGUAGES:
        return language
    return policy.mail.language if policy.mail else DEFAULT


def variables(
    account: Account,
    mail: DueMessage,
    policy: Policy,
    now: datetime,
    links: Mapping[str, str],
    language: str = DEFAULT,
) -> dict[str, object]:
    """The variables of the message `mail` for this account, with `links` by name. Unknown values
    are empty. Values are never interpreted as templates.
    """
    letter = policy.mail
    assert letter is not None
    zone, words = zone_of(account, letter), LANGUAGES[language]
    standing = account.standing
    end = mail.occasion.moment if mail.occasion.anchor == "trial_ends" else _trial_end(account)
    days_left = (
        max(0, (end.astimezone(zone).date() - now.astimezone(zone).date()).days) if end else 0
    )
    name = "" if _LOOKS_LIKE_A_LINK.search(account.name or "") else account.name or ""
    return {
        "product": letter.product,
        "sender": letter.sender,
        "name": name,
        "greeting": (
            words.greeting.format(first=name.split(" ")[0], name=name)
            if name
            else words.greeting_nobody
        ),
        "plan": policy.plan_name(standing.plan if standing else None),
        "price": spoken_price(account, language),
        "has_card": holds("card", account, mail.occasion, policy),
        "trial_ends_on": spoken_day(end, zone, language) if end else "",
        "trial_ends_at": spoken_moment(end, zone, language) if end else "",
        "days_left": days_left,
        "days_left_words": (
            words.today
            if days_left == 0
            else words.one_day
            if days_left == 1
            else words.days.format(n=days_left)
        ),
        "trial_days": policy.trial.days,
        "asked_at": spoken_moment(mail.occasion.moment, zone, language),
        "app_url": letter.app_url,
        "booking_url": letter.booking_url,
        "postal_address": letter.postal_address,
        "support_email": letter.support_email,
        "news": text_in(language, letter.news, letter.language),
        "news_url": letter.news_url,
        "reason": standing.reason if standing else "",
        **_of_subscription(account, mail, policy, now, zone, language),
        **_of_invoice(account, mail, zone, language),
        **_of_milestone(mail, policy, language),
        **links,
    }


def _of_subscription(
    account: Account, mail: DueMessage, policy: Policy, now: datetime, zone: ZoneInfo, language: str
) -> dict[str, object]:
    """The variables of the subscription that the message concerns, else of the newest one."""
    one = subscription_of(account, mail.occasion) or max(
        (known.value for known in account.subscriptions.values()),
        key=lambda value: (value.created, value.id),
        default=None,
    )
    change = (
        account.plan_change
        if one and account.plan_change and account.plan_change.subscription == one.id
        else None
    )
    plan, seats = policy.plan_of(one.items) if one else (None, None)
    card = card_of(account, one) if one else None
    ends = (one.ended_at or one.cancels_at) if one else None
    return {
        "plan_now": policy.plan_name(plan),
        "plan_before": policy.plan_name(change.plan) if change and change.plan != plan else "",
        "seats": (seats or 0) if change and change.quantity != seats else 0,
        "card": (
            LANGUAGES[language].card.format(brand=brand_of(card), last4=card.last4) if card else ""
        ),
        "card_ends": (
            f"{LANGUAGES[language].months[card.exp_month - 1]} {card.exp_year}" if card else ""
        ),
        "renews_on": (
            spoken_day(one.period_end, zone, language)
            if one and one.period_end and not one.final
            else ""
        ),
        "ends_on": spoken_day(ends, zone, language) if ends else "",
        "has_ended": bool(ends and ends <= now),
        "limited_on": _limited_on(account, one, now, zone, language),
    }


def _limited_on(
    account: Account, one: Subscription | None, now: datetime, zone: ZoneInfo, language: str
) -> str:
    """The day on which a failed payment ends access; empty if none does, or if it has already."""
    standing = account.standing
    if (
        one is None
        or standing is None
        or standing.reason not in {"past_due_grace", "first_payment"}
        or not standing.until
        or standing.until <= now
    ):
        return ""
    return spoken_day(standing.until, zone, language)


def _of_invoice(
    account: Account, mail: DueMessage, zone: ZoneInfo, language: str
) -> dict[str, object]:
    billed = account.invoices.get(mail.occasion.about)
    invoice = billed.value if billed else Invoice("", "", "open", mail.occasion.moment)
    url = invoice.hosted_invoice_url or ""
    again = invoice.next_payment_attempt if invoice.status == "open" else None
    owed_or_paid = invoice.amount_paid if invoice.status == "paid" else invoice.amount_due
    return {
        "amount": money(owed_or_paid, invoice.currency, language) if invoice.currency else "",
        "invoice_url": url if url.startswith("https://") else "",
        "paid_on": spoken_day(invoice.paid_at, zone, language) if invoice.paid_at else "",
        "next_try_on": spoken_day(again, zone, language) if again else "",
        "bank_asks": billed is not None and billed.bank_asks,
    }


def _of_milestone(mail: DueMessage, policy: Policy, language: str) -> dict[str, object]:
    milestone = policy.milestones.get(mail.occasion.about)
    default = policy.mail.language if policy.mail else DEFAULT
    return {
        "milestone": text_in(language, milestone.title, default) if milestone else "",
        "article_url": milestone.article_url if milestone else "",
    }


def brand_of(card: Card) -> str:
    """A card's brand as it is written on the card."""
    return BRANDS.get(card.brand, card.brand.capitalize())


def money(amount: int, currency: str, language: str = DEFAULT) -> str:
    """An amount in minor units as text: 4900 usd as $49.00, 4900 jpy as 4,900 JPY."""
    words = LANGUAGES[language]
    number = f"{amount:,}" if currency in ZERO_DECIMAL else f"{amount / 100:,.2f}"
    number = number.translate({ord(","): words.thousands, ord("."): words.decimal})
    return (
        words.with_symbol.format(symbol=SYMBOLS[currency], number=number)
        if currency in SYMBOLS
        else f"{number} {currency.upper()}"
    )


def spoken_day(moment: datetime, zone: ZoneInfo, language: str = DEFAULT) -> str:
    """The day of a time in a time zone: Friday, 13 March 2026."""
    local, words = moment.astimezone(zone), LANGUAGES[language]
    return words.day.format(
        weekday=words.weekdays[local.weekday()],
        day=local.day,
        month=words.months[local.month - 1],
        year=local.year,
    )


def spoken_moment(moment: datetime, zone: ZoneInfo, language: str = DEFAULT) -> str:
    """The day with the time of day and the time zone."""
    day = spoken_day(moment, zone, language)
    return LANGUAGES[language].moment.format(
        day=day, time=f"{moment.astimezone(zone):%H:%M}", zone=zone.key
    )


def _trial_end(account: Account) -> datetime | None:
    ends = [
        known.value.trial_end for known in account.subscriptions.values() if known.value.trial_end
    ]
    return max(ends, default=account.signup.trial_ends_at if account.signup else None)


def spoken_price(account: Account, language: str = DEFAULT) -> str:
    """What the running subscription costs, if it is one price: "$49.00 a month", "$490.00 every 2
    years".
    """
    running = [known.value for known in account.subscriptions.values() if not known.value.final]
    items: tuple[Item, ...] = (
        max(running, key=lambda one: (one.created, one.id)).items if running else ()
    )
    if len(items) != 1 or items[0].amount is None or not items[0].currency or not items[0].interval:
        return ""
    (item,) = items
    cost, words = (
        money((item.amount or 0) * (item.quantity or 1), item.currency or "", language),
        LANGUAGES[language],
    )
    often = (
        words.per[items[0].interval]
        if item.interval_count == 1
        else words.every[items[0].interval].format(n=item.interval_count)
    )
    return f"{cost} {often}"
