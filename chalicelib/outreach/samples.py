"""Readers that every message must be right for: the gallery shows them, the tests render each message for each of them."""

from collections.abc import Mapping
from types import MappingProxyType

_LINK = "https://billing.example.com"

_ADA: Mapping[str, object] = {
    "product": "Tidewater",
    "sender": "Ines",
    "greeting": "Hello Ada,",
    "name": "Ada",
    "plan": "Pro",
    "price": "$49.00 a month",
    "has_card": False,
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


def _like_ada(**other: object) -> Mapping[str, object]:
    return MappingProxyType({**_ADA, **other})


SAMPLES: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "without_card": _like_ada(),
        "with_card": _like_ada(has_card=True, days_left=7, days_left_words="7 days", **_NOTICE),
        "long_name_yearly": _like_ada(
            greeting="Hello Maximiliane-Theodora von Hohenberg-Zwischenwasser und Sonnleithen zu Altenmarkt an der Triesting,",
            name="Maximiliane-Theodora von Hohenberg-Zwischenwasser und Sonnleithen zu Altenmarkt an der Triesting",
            plan="Scale",
            price="€1,188.00 a year",
            has_card=True,
        ),
        "last_day": _like_ada(days_left=1, days_left_words="1 day"),
        "today": _like_ada(days_left=0, days_left_words="today"),
        "ended": _like_ada(days_left=0, days_left_words="today", reason="trial_expired", **_NOTICE),
        "without_name": _like_ada(greeting="Hello,", name=""),
        "without_booking": _like_ada(booking_url=""),
        "bare": _like_ada(greeting="Hello,", name="", plan="", price="", booking_url="", **_NOTICE),
        "bare_with_card": _like_ada(greeting="Hello,", name="", plan="", price="", booking_url="", has_card=True, **_NOTICE),
        "one_day_trial": _like_ada(trial_days=1, days_left=1, days_left_words="1 day"),
        "unruly_name": _like_ada(
            greeting='Hello <b onclick="x()">Ada</b>\r\nBcc: everyone@example.com\u202e {{ product }}{% raw %} & "Sons",',
            name='<b onclick="x()">Ada</b>\r\nBcc: everyone@example.com\u202e {{ product }}{% raw %} & "Sons"',
            product="Tide & Water <script>",
        ),
        "other_script": _like_ada(greeting="Hello 山田 花子 👩‍🚀,", name="山田 花子 👩‍🚀", sender="Žofie"),
    }
)
"""Name → the variables of a message, always all of them."""

SHOWN: Mapping[str, str] = MappingProxyType(
    {
        "trial_notice": "with_card",
        "sign_in": "ended",
        "confirm": "ended",
        "confirm_cancel": "ended",
        "confirm_withdrawal": "ended",
        "withdrawn": "ended",
        "trial_one_day": "last_day",
        "trial_ended": "ended",
    }
)
"""Message → the sample that the gallery and the pictures show it for; for the rest `without_card`."""
