"""Reads and checks the parts of billing.toml about signups and the customer's pages."""

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.policy.keys import (
    INTERVALS,
    Key,
    boolean,
    https_origin,
    matching,
    one_of,
    read_keys,
    table,
    text,
    text_list,
    whole_number,
)
from chalicelib.domain.policy.mail import by_language, mail_language, text_by_language
from chalicelib.domain.policy.policy import PagesPolicy, Plan, SignupPolicy


def _texts_by_language(value: Any) -> str | None:
    """A list of texts, each in one language or in several; it may be empty."""
    fits = isinstance(value, list) and all(text_by_language(item) is None for item in value)
    return None if fits else 'must list texts, or texts by language such as { en = "…" }'


def _origins(value: Any) -> str | None:
    fits = text_list(value) is None and all(
        https_origin(origin) is None and not origin.endswith("/") for origin in value
    )
    return None if fits else "must list https origins, such as https://acme.example, without a path"


_SIGNUP = {
    "plan": Key(text, 'plan = "pro"'),
    "interval": Key(one_of(*INTERVALS), 'interval = "month"', "month", required=False),
    "sites": Key(_origins, 'sites = ["https://acme.example"]', [], required=False),
    "answer": Key(one_of("open", "same"), 'answer = "open"', "open", required=False),
    "confirm": Key(boolean, "confirm = false", False, required=False),
    "disposable": Key(one_of("refuse", "take"), 'disposable = "refuse"', "refuse", required=False),
    "captcha": Key(one_of("none", "turnstile"), 'captcha = "turnstile"', "none", required=False),
    "an_hour": Key(whole_number(1, 10_000), "an_hour = 100", 100, required=False),
    "a_day": Key(whole_number(0, 1_000_000), "a_day = 500", 500, required=False),
    "forget_unproved_days": Key(
        whole_number(0, 3650), "forget_unproved_days = 30", 30, required=False
    ),
}
_PAGES = {
    "colour": Key(
        matching("#[0-9a-fA-F]{6}", "must be a colour such as #1f4b99"),
        'colour = "#1f4b99"',
        PagesPolicy().colour,
        required=False,
    ),
    "logo_url": Key(
        matching("https://[^\\s<>\"']+", "must be an https address"),
        'logo_url = "https://acme.example/logo.svg"',
        "",
        required=False,
    ),
    "first_steps": Key(
        _texts_by_language, 'first_steps = ["Connect your data"]', [], required=False
    ),
    "stripe_hosts": Key(
        _origins,
        'stripe_hosts = ["https://checkout.stripe.com"]',
        list(PagesPolicy().stripe_hosts),
        required=False,
    ),
}


def read_signup(
    raw: Mapping[str, Any], plans: Mapping[str, Plan], mistakes: list[str]
) -> SignupPolicy | None:
    """The table `signup`; None if there is none or if it has a mistake. Without it nobody can sign
    up.
    """
    if "signup" not in raw:
        return None
    before = len(mistakes)
    values = read_keys(table(raw, "signup", mistakes), _SIGNUP, "signup.", mistakes)
    if len(mistakes) > before:
        return None
    plan, interval = values["plan"], values["interval"]
    if plan not in plans or interval not in plans[plan].lookup_keys:
        mistakes.append(
            f'signup.plan: no plan "{plan}" is sold by the {interval}. Example:'
            f' plan = "{next(iter(plans), "pro")}"'
        )
        return None
    return SignupPolicy(**values | {"sites": tuple(values["sites"])})


def read_pages(raw: Mapping[str, Any], mistakes: list[str]) -> PagesPolicy:
    """The table `pages`."""
    before = len(mistakes)
    values = read_keys(table(raw, "pages", mistakes), _PAGES, "pages.", mistakes)
    if len(mistakes) > before:
        return PagesPolicy()
    steps = tuple(by_language(step, mail_language(raw)) for step in values["first_steps"])
    hosts = tuple(values["stripe_hosts"])
    return PagesPolicy(**values | {"first_steps": steps, "stripe_hosts": hosts})
