"""Sample readers. Every message must render for each of them in each language; the gallery shows
them.
"""

from collections.abc import Mapping
from types import MappingProxyType

_LINK = "https://billing.example.com"

_ADA: Mapping[str, object] = {
    "product": "Tidewater",
    "sender": "Ines",
    "greeting": "Hello Ada,",
    "name": "Ada",
    "plan": "Pro",
    "plan_now": "Pro",
    "plan_before": "Scale",
    "seats": 3,
    "price": "$49.00 a month",
    "has_card": False,
    "card": "Visa ending in 4242",
    "card_ends": "April 2026",
    "amount": "$49.00",
    "invoice_url": "https://invoice.stripe.com/i/acct_1DemoDemo/test_YWNjdF8xRGVtb0RlbW8",
    "paid_on": "Friday, 13 March 2026",
    "bank_asks": False,
    "next_try_on": "Wednesday, 18 March 2026",
    "limited_on": "Friday, 20 March 2026",
    "renews_on": "Monday, 13 April 2026",
    "ends_on": "Monday, 13 April 2026",
    "has_ended": False,
    "milestone": "Connect your data",
    "article_url": "https://tidewater.example/help/connect-your-data",
    "news": (
        "Reports can now be sent by mail every Monday, and the import takes spreadsheets of any"
        " size."
    ),
    "news_url": "https://tidewater.example/news",
    "trial_ends_on": "Friday, 13 March 2026",
    "trial_ends_at": "Friday, 13 March 2026 at 09:00 (Europe/Vienna)",
    "days_left": 3,
    "days_left_words": "3 days",
    "trial_days": 14,
    "billing_url": f"{_LINK}/billing/acct_demo?t=eyJhIjoiYWNjdF9kZW1vIn0.6f1c&from=mail",
    "link_url": f"{_LINK}/sign-in/eyJhIjoiYWNjdF9kZW1vIn0.41bd",
    "feedback_url": f"{_LINK}/feedback/eyJhIjoiYWNjdF9kZW1vIn0.77c0",
    "asked_at": "Tuesday, 10 March 2026 at 09:00 (Europe/Vienna)",
    "app_url": "https://app.tidewater.example/",
    "booking_url": "https://calendar.example.com/ines/20-minutes",
    "unsubscribe_url": f"{_LINK}/mail/unsubscribe?t=eyJhIjoiYWNjdF9kZW1vIn0.b27a",
    "preferences_url": f"{_LINK}/mail/preferences?t=eyJhIjoiYWNjdF9kZW1vIn0.b27a",
    "postal_address": "Tidewater GmbH, Hafenstrasse 12, 6900 Bregenz, Austria",
    "support_email": "help@tidewater.example",
    "reason": "trialing",
}

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
)
_NO_DATA: Mapping[str, object] = {
    **dict.fromkeys(
        (*_EMPTY, "renews_on", "ends_on", "article_url", "news", "news_url", "booking_url"), ""
    ),
    "greeting": "Hello,",
    "seats": 0,
}
"""The variables of a reader without any data."""

_LONG = (
    "Maximiliane-Theodora von Hohenberg-Zwischenwasser und Sonnleithen zu Altenmarkt an der"
    " Triesting"
)
_HOSTILE = (
    '<b onclick="x()">Ada</b>\r\nBcc: everyone@example.com\u202e {{ product }}{% raw %} & "Sons"'
)


def _ada_with(**other: object) -> Mapping[str, object]:
    return MappingProxyType({**_ADA, **other})


_ENGLISH: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "without_card": _ada_with(),
        "with_card": _ada_with(has_card=True, days_left=7, days_left_words="7 days", **_NOTICE),
        "long_name_yearly": _ada_with(
            greeting=f"Hello {_LONG},",
            name=_LONG,
            plan="Scale",
            plan_now="Scale",
            price="€1,188.00 a year",
            has_card=True,
        ),
        "last_day": _ada_with(days_left=1, days_left_words="1 day"),
        "today": _ada_with(days_left=0, days_left_words="today"),
        "ended": _ada_with(
            days_left=0, days_left_words="today", reason="trial_expired", has_ended=True, **_NOTICE
        ),
        "without_name": _ada_with(greeting="Hello,", name=""),
        "without_booking": _ada_with(booking_url=""),
        "bank_asks": _ada_with(bank_asks=True, has_card=True, **_NOTICE),
        "given_up_by_stripe": _ada_with(next_try_on="", limited_on="", has_card=True, **_NOTICE),
        "without_news": _ada_with(news="", news_url="", article_url=""),
        "bare": _ada_with(**{**_NO_DATA, **_NOTICE}),
        "bare_with_card": _ada_with(**{**_NO_DATA, **_NOTICE, "has_card": True}),
        "bare_asked_by_the_bank": _ada_with(**{**_NO_DATA, "bank_asks": True, "has_card": True}),
        "one_day_trial": _ada_with(trial_days=1, days_left=1, days_left_words="1 day"),
        "unruly_name": _ada_with(
            greeting=f"Hello {_HOSTILE},", name=_HOSTILE, product="Tide & Water <script>"
        ),
        "other_script": _ada_with(
            greeting="Hello 山田 花子 👩‍🚀,", name="山田 花子 👩‍🚀", sender="Žofie"
        ),
    }
)

_GERMAN: Mapping[str, str] = {
    "$49.00 a month": "49,00 $ pro Monat",
    "€1,188.00 a year": "1.188,00 € pro Jahr",
    "$49.00": "49,00 $",
    "Visa ending in 4242": "Visa mit den Endziffern 4242",
    "April 2026": "April 2026",
    "Friday, 13 March 2026": "Freitag, 13. März 2026",
    "Wednesday, 18 March 2026": "Mittwoch, 18. März 2026",
    "Friday, 20 March 2026": "Freitag, 20. März 2026",
    "Monday, 13 April 2026": "Montag, 13. April 2026",
    "Friday, 13 March 2026 at 09:00 (Europe/Vienna)": (
        "Freitag, 13. März 2026 um 09:00 Uhr (Europe/Vienna)"
    ),
    "Tuesday, 10 March 2026 at 09:00 (Europe/Vienna)": (
        "Dienstag, 10. März 2026 um 09:00 Uhr (Europe/Vienna)"
    ),
    "3 days": "3 Tage",
    "7 days": "7 Tage",
    "1 day": "1 Tag",
    "today": "heute",
    "Connect your data": "Verbinden Sie Ihre Daten",
    _ADA["news"]: (  # type: ignore[dict-item]
        "Berichte kommen jetzt auf Wunsch jeden Montag per E-Mail, und der Import nimmt Tabellen"
        " jeder Größe."
    ),
}


def _in_german(name: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    return value.replace("Hello", "Guten Tag") if name == "greeting" else _GERMAN.get(value, value)


SAMPLES: Mapping[str, Mapping[str, Mapping[str, object]]] = MappingProxyType(
    {
        "en": _ENGLISH,
        "de": MappingProxyType(
            {
                reader: MappingProxyType(
                    {name: _in_german(name, value) for name, value in variables.items()}
                )
                for reader, variables in _ENGLISH.items()
            }
        ),
    }
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
        **dict.fromkeys(_PAYMENT_MESSAGES, "with_card"),
        **dict.fromkeys(
            (
                "sign_in",
                "confirm",
                "confirm_cancel",
                "confirm_withdrawal",
                "withdrawn",
                "trial_ended",
                "left_unpaid",
            ),
            "ended",
        ),
        "payment_confirm": "bank_asks",
        "trial_one_day": "last_day",
    }
)
"""Message → the sample reader in the gallery and the pictures. The default is `without_card`."""
