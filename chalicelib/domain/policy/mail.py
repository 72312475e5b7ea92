"""Reads and checks the part of billing.toml about mail: senders, links, hours and limits."""

import re
from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any
from zoneinfo import available_timezones

from chalicelib.domain.policy.keys import (
    Key,
    matching,
    one_of,
    read_keys,
    table,
    text,
    text_list,
    whole_number,
)
from chalicelib.domain.policy.languages import DEFAULT, LANGUAGES
from chalicelib.domain.policy.sequences import Hours, MailPolicy

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

https_link = matching(r"https://[^\s<>\"]+", "must be an https address")
"""An https address."""


def text_by_language(value: Any) -> str | None:
    """A text, or a text for each of some languages."""
    by_code = isinstance(value, dict) and value and value.keys() <= set(LANGUAGES)
    fits = text(value) is None or (by_code and all(text(one) is None for one in value.values()))
    return None if fits else f"must be a text, or a text for some of {', '.join(LANGUAGES)}"


def by_language(value: str | Mapping[str, str] | None, language: str) -> dict[str, str]:
    """The texts by language; a single text is in `language`."""
    return {language: value} if isinstance(value, str) else dict(value or {})


def mail_language(raw: Mapping[str, Any]) -> str:
    """The language of single texts: `language` of the table `mail`, right or wrong."""
    mail = raw.get("mail")
    return str(mail.get("language", DEFAULT)) if isinstance(mail, dict) else DEFAULT


def _address(value: Any) -> str | None:
    _, address = parseaddr(value) if isinstance(value, str) else ("", "")
    fits = re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address) and not re.search(
        r"[\x00-\x1f]", str(value)
    )
    return None if fits else "must be an e-mail address, with or without a name"


def _zone(value: Any) -> str | None:
    return None if value in available_timezones() else "is not a time zone of the IANA database"


def _days(value: Any) -> str | None:
    fits = isinstance(value, list) and value and set(value) <= set(DAYS)
    return None if fits else f"must list at least one of {', '.join(DAYS)}"


def _hours(value: Any) -> str | None:
    fits = (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(hour, int) for hour in value)
        and 0 <= value[0] < value[1] <= 24
    )
    return None if fits else "must be two hours of the day, the first before the second"


_MAIL = {
    "product": Key(text, 'product = "Acme"'),
    "sender": Key(text, 'sender = "Ada"'),
    "from_lifecycle": Key(_address, 'from_lifecycle = "Ada at Acme <ada@mail.acme.example>"'),
    "from_billing": Key(_address, 'from_billing = "Acme <billing@mail.acme.example>"'),
    "support_email": Key(_address, 'support_email = "help@acme.example"'),
    "postal_address": Key(text, 'postal_address = "Acme Ltd, 1 High Street, Leeds, UK"'),
    "app_url": Key(https_link, 'app_url = "https://app.acme.example"'),
    "billing_url": Key(
        https_link, 'billing_url = "https://app.acme.example/billing"', "", required=False
    ),
    "booking_url": Key(https_link, 'booking_url = "https://cal.example/ada"', "", required=False),
    "timezone": Key(_zone, 'timezone = "Europe/Vienna"', "UTC", required=False),
    "days": Key(
        _days,
        'days = ["mon", "tue", "wed", "thu", "fri"]',
        ["mon", "tue", "wed", "thu", "fri"],
        required=False,
    ),
    "hours": Key(_hours, "hours = [9, 18]", [9, 18], required=False),
    "a_day": Key(whole_number(1, 10), "a_day = 1", 1, required=False),
    "a_week": Key(whole_number(1, 50), "a_week = 3", 3, required=False),
    "language": Key(one_of(*LANGUAGES), 'language = "en"', DEFAULT, required=False),
    "news": Key(text_by_language, 'news = "Reports can be sent by mail now."', required=False),
    "news_url": Key(https_link, 'news_url = "https://acme.example/news"', "", required=False),
    "unproved": Key(
        text_list,
        'unproved = ["welcome", "notice", "failed"]',
        ["welcome", "three_days", "ended"],
        required=False,
    ),
}


def read_mail(raw: Mapping[str, Any], mistakes: list[str]) -> MailPolicy | None:
    """The table `mail`; None if there is none or if it has a mistake. Then no mail is sent."""
    if "mail" not in raw:
        return None
    before = len(mistakes)
    mail = read_keys(table(raw, "mail", mistakes), _MAIL, "mail.", mistakes)
    if len(mistakes) > before:
        return None
    return MailPolicy(
        product=mail["product"],
        sender=mail["sender"],
        senders={"lifecycle": mail["from_lifecycle"], "billing": mail["from_billing"]},
        support_email=mail["support_email"],
        postal_address=mail["postal_address"],
        app_url=mail["app_url"],
        billing_url=mail["billing_url"],
        booking_url=mail["booking_url"],
        timezone=mail["timezone"],
        hours=Hours(frozenset(DAYS.index(day) for day in mail["days"]), *mail["hours"]),
        a_day=mail["a_day"],
        a_week=mail["a_week"],
        unproved=tuple(mail["unproved"]),
        language=mail["language"],
        news=by_language(mail["news"], mail["language"]),
        news_url=mail["news_url"],
    )
