"""Sample readers. Every message must render for each of them in each language; the gallery shows
them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from chalicelib.domain.policy.languages import LANGUAGES
from chalicelib.localization.amounts import money
from chalicelib.localization.dates import spoken_day, spoken_moment, spoken_month
from chalicelib.localization.plurals import plural
from chalicelib.localization.prices import spoken_interval
from chalicelib.localization.wording import WORDING

_LINK = "https://billing.example.com"
_VIENNA = ZoneInfo("Europe/Vienna")
_TRIAL_ENDS = datetime(2026, 3, 13, 8, tzinfo=UTC)

_MILESTONES = {"en": "Connect your data", "de": "Verbinden Sie Ihre Daten"}
_NEWS = {
    "en": (
        "Reports can now be sent by mail every Monday, and the import takes spreadsheets of any"
        " size."
    ),
    "de": (
        "Berichte kommen jetzt auf Wunsch jeden Montag per E-Mail, und der Import nimmt Tabellen"
        " jeder Größe."
    ),
}
"""What billing.toml would say, by language."""

_NOTICE: Mapping[str, object] = {"unsubscribe_url": "", "preferences_url": ""}

_EMPTY = (
    "name",
    "plan",
    "plan_now",
    "plan_before",
    "price",
    "card",
    "card_ends",
    "amount",
    "invoice_url",
    "paid_on",
    "next_try_on",
    "limited_on",
    "deletes_on",
)
_LONG = (
    "Maximiliane-Theodora von Hohenberg-Zwischenwasser und Sonnleithen zu Altenmarkt an der"
    " Triesting"
)
_HOSTILE = (
    '<b onclick="x()">Ada</b>\r\nBcc: everyone@example.com\u202e {{ product }}{% raw %} & "Sons"'
)
_OTHER_SCRIPT = "山田 花子 👩‍🚀"


def _ada(language: str) -> Mapping[str, object]:
    """All variables of one reader, in a language."""

    def day(after: int) -> str:
        return spoken_day(_TRIAL_ENDS + timedelta(days=after), _VIENNA, language)

    return {
        "product": "Tidewater",
        "sender": "Ines",
        **_named("Ada", language),
        "plan": "Pro",
        "plan_now": "Pro",
        "plan_before": "Scale",
        "seats": 3,
        "price": _price(4900, "usd", "month", language),
        "billed_for": [],
        "has_card": False,
        "card": WORDING[language].card.format(brand="Visa", last4="4242"),
        "card_ends": spoken_month(2026, 4, language),
        "amount": money(4900, "usd", language),
        "invoice_url": "https://invoice.stripe.com/i/acct_1DemoDemo/test_YWNjdF8xRGVtb0RlbW8",
        "paid_on": day(0),
        "bank_asks": False,
        "new_method_needed": False,
        "pays_by_debit": False,
        "was_debit": False,
        "send_invoice": False,
        "invoice_is_void": False,
        "due_on": day(5),
        "next_try_on": day(5),
        "limited_on": day(7),
        "renews_on": day(31),
        "ends_on": day(31),
        "has_ended": False,
        "milestone": _MILESTONES[language],
        "article_url": "https://tidewater.example/help/connect-your-data",
        "news": _NEWS[language],
        "news_url": "https://tidewater.example/news",
        "trial_ends_on": day(0),
        "trial_ends_at": spoken_moment(_TRIAL_ENDS, _VIENNA, language),
        **_left(3, language),
        "trial_days": 14,
        "billing_url": f"{_LINK}/billing/acct_demo?t=eyJhIjoiYWNjdF9kZW1vIn0.6f1c&from=mail",
        "link_url": f"{_LINK}/sign-in/eyJhIjoiYWNjdF9kZW1vIn0.41bd",
        "feedback_url": f"{_LINK}/feedback/eyJhIjoiYWNjdF9kZW1vIn0.77c0",
        "asked_at": spoken_moment(_TRIAL_ENDS - timedelta(days=3), _VIENNA, language),
        "reminds": True,
        "own_page": True,
        "next_mail_at": "",
        "copy_for": "",
        "copy_until": "",
        "refunded": money(4900, "usd", language),
        "app_url": "https://app.tidewater.example/",
        "deletes_on": day(90),
        "booking_url": "https://calendar.example.com/ines/20-minutes",
        "unsubscribe_url": f"{_LINK}/mail/unsubscribe?t=eyJhIjoiYWNjdF9kZW1vIn0.b27a",
        "preferences_url": f"{_LINK}/mail/preferences?t=eyJhIjoiYWNjdF9kZW1vIn0.b27a",
        "postal_address": "Tidewater GmbH, Hafenstrasse 12, 6900 Bregenz, Austria",
        "support_email": "help@tidewater.example",
        "reason": "trialing",
        "email_before": "a…@example.com",
        "email_after": "a…@tidewater.example",
    }


def _named(name: str, language: str) -> Mapping[str, object]:
    words = WORDING[language]
    greeting = words.greeting.format(first=name, name=name) if name else words.greeting_nobody
    return {"greeting": greeting, "name": name}


def _left(days: int, language: str) -> Mapping[str, object]:
    words = WORDING[language]
    told = plural(words.days, days, language).format(n=days) if days else words.today
    return {"days_left": days, "days_left_words": told}


def _price(amount: int, currency: str, interval: str, language: str) -> str:
    return f"{money(amount, currency, language)} {spoken_interval(interval, 1, language)}"


def _bare(language: str) -> Mapping[str, object]:
    """The variables of a reader without any data."""
    without = (*_EMPTY, "renews_on", "ends_on", "article_url", "news", "news_url", "booking_url")
    return {**dict.fromkeys(without, ""), **_named("", language), "seats": 0}


def _readers(language: str) -> Mapping[str, Mapping[str, object]]:
    bare, yearly = _bare(language), _price(118800, "eur", "year", language)
    monthly = _price(9900, "eur", "month", language)
    scale = {"plan": "Scale", "plan_now": "Scale", "price": yearly, "has_card": True}
    ended = {"reason": "trial_expired", "has_ended": True}
    unruly = {**_named(_HOSTILE, language), "product": "Tide & Water <script>"}
    asked: Mapping[str, object] = {"bank_asks": True, "has_card": True}
    account = WORDING[language].bank_account.format(last4="3000")
    of_debit: Mapping[str, object] = {"pays_by_debit": True, "was_debit": True}
    by_debit: Mapping[str, object] = {"card": account, "has_card": True, **of_debit}
    unpaid_first = {"next_try_on": "", "invoice_url": "", "invoice_is_void": True}
    other: Mapping[str, Mapping[str, object]] = {
        "without_card": {},
        "with_card": {"has_card": True, **_left(7, language), **_NOTICE},
        "long_name_yearly": {**_named(_LONG, language), **scale},
        "with_two_plans": {"billed_for": [f"Pro, {monthly}", f"Scale, {yearly}"], **_NOTICE},
        "last_day": _left(1, language),
        "today": _left(0, language),
        "ended": {**_left(0, language), **ended, **_NOTICE},
        "without_name": _named("", language),
        "without_booking": {"booking_url": ""},
        "bank_asks": {**asked, **_NOTICE},
        "with_account": {**by_debit, **_NOTICE},
        "with_closed_account": {
            **by_debit,
            "new_method_needed": True,
            "next_try_on": "",
            **_NOTICE,
        },
        "with_first_debit": {**by_debit, **unpaid_first, **_NOTICE},
        "with_first_debit_closed": {
            **by_debit,
            **unpaid_first,
            "new_method_needed": True,
            **_NOTICE,
        },
        "with_card_after_debit": {"has_card": True, "was_debit": True, **_NOTICE},
        "with_account_after_card": {**by_debit, "was_debit": False, **_NOTICE},
        "bare_with_account": {**bare, **_NOTICE, **of_debit},
        "with_sent_invoice": {"send_invoice": True, "next_try_on": "", **_NOTICE},
        "with_overdue_invoice": {
            "send_invoice": True,
            "limited_on": "",
            "reason": "past_due",
            **_NOTICE,
        },
        "bare_with_sent_invoice": {**bare, "due_on": "", "send_invoice": True},
        "given_up_by_stripe": {"next_try_on": "", "limited_on": "", "has_card": True, **_NOTICE},
        "without_news": {"news": "", "news_url": "", "article_url": ""},
        "bare": {**bare, **_NOTICE},
        "bare_with_card": {**bare, **_NOTICE, "has_card": True},
        "bare_asked_by_the_bank": {**bare, **asked},
        "unproved": {"reminds": False},
        "unproved_elsewhere": {"reminds": False, "own_page": False},
        "last_for_now": {"next_mail_at": spoken_moment(_TRIAL_ENDS, _VIENNA, language)},
        "copied": {
            "copy_for": "n…@tidewater.example",
            "copy_until": spoken_day(_TRIAL_ENDS, _VIENNA, language),
            **_NOTICE,
        },
        "one_day_trial": {"trial_days": 1, **_left(1, language)},
        "unruly_name": unruly,
        "other_script": {**_named(_OTHER_SCRIPT, language), "sender": "Žofie"},
    }
    ada = _ada(language)
    return {name: MappingProxyType({**ada, **changes}) for name, changes in other.items()}


SAMPLES: Mapping[str, Mapping[str, Mapping[str, object]]] = MappingProxyType(
    {language: MappingProxyType(_readers(language)) for language in LANGUAGES}
)
"""Language → reader → all variables of messages."""

_PAYMENT_MESSAGES = (
    "payment_failed",
    "payment_reminder",
    "payment_last_try",
    "card_expires",
    "receipt",
    "paid_plan",
    "plan_changed",
    "goodbye",
    "trial_notice",
)

SHOWN: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys((*_PAYMENT_MESSAGES, "instance_ready"), "with_card"),
        **dict.fromkeys(
            (
                "sign_in",
                "confirm",
                "confirm_cancel",
                "confirm_withdrawal",
                "confirm_email",
                "email_changed",
                "withdrawn",
                "trial_ended",
                "left_unpaid",
                "instance_deletes",
            ),
            "ended",
        ),
        "payment_confirm": "bank_asks",
        "debit_failed": "with_account",
        **dict.fromkeys(("invoice_due", "invoice_overdue"), "with_sent_invoice"),
        "trial_one_day": "last_day",
    }
)
"""Message → the sample reader in the gallery and the pictures. The default is `without_card`."""
