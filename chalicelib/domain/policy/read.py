"""billing.toml read and checked: every mistake is found in one go, each with its key, what is wrong
and an example.
"""

import hashlib
import re
import tomllib
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from chalicelib.domain.errors import PolicyMistakes
from chalicelib.domain.policy.keys import (
    Key,
    https,
    matching,
    one_of,
    read,
    table,
    text,
    texts,
    whole,
)
from chalicelib.domain.policy.mail import read_mail, read_milestones, read_steps
from chalicelib.domain.policy.policy import AccessPolicy, Plan, Policy, TrialPolicy
from chalicelib.domain.policy.selling import (
    CURRENCIES,
    amounts,
    currencies,
    lookup_keys,
    read_cancel,
    read_checkout,
    tariffs,
)
from chalicelib.domain.policy.signup import read_pages, read_signup
from chalicelib.domain.policy.team import read_operators

SCHEMA = 1


def _schema(value: Any) -> str | None:
    return None if value == SCHEMA else f"must be {SCHEMA}, the schema that this release reads"


_TOP = {
    "schema": Key(_schema, f"schema = {SCHEMA}"),
    "base_url": Key(https, 'base_url = "https://billing.example.com"'),
    "currency": Key(
        matching("[a-z]{3}", "must be a currency in three small letters"),
        'currency = "usd"',
        "usd",
        required=False,
    ),
}
_TRIAL = {
    "days": Key(whole(1, 730), "days = 14"),
    "late_news_hours": Key(whole(0, 72), "late_news_hours = 6", 6, required=False),
    "first_payment_hours": Key(whole(1, 168), "first_payment_hours = 24", 24, required=False),
    "after_trial": Key(text, 'after_trial = "free"', required=False),
    "without_card": Key(
        one_of("pause", "cancel", "create_invoice"),
        'without_card = "pause"',
        "pause",
        required=False,
    ),
}
_ACCESS = {
    "past_due_grace_days": Key(whole(0, 60), "past_due_grace_days = 7", 7, required=False),
    "renewal_grace_days": Key(whole(0, 60), "renewal_grace_days = 7", 7, required=False),
    "stale": Key(one_of("full", "limited", "none"), 'stale = "limited"', "limited", required=False),
    "collection_paused": Key(
        one_of("keep", "limited", "none"), 'collection_paused = "keep"', "keep", required=False
    ),
    "payment_tries": Key(whole(1, 20), "payment_tries = 8", 8, required=False),
}
_PLAN = {
    "name": Key(text, 'name = "Pro"'),
    "features": Key(texts, 'features = ["projects", "reports"]'),
    "lookup_keys": Key(
        lookup_keys,
        'lookup_keys = { month = "pro_monthly", year = "pro_yearly" }',
        {},
        required=False,
    ),
    "amounts": Key(amounts, "amounts = { month = 4900, year = 49000 }", {}, required=False),
    "currencies": Key(currencies, CURRENCIES, {}, required=False),
    "prices": Key(texts, 'prices = ["price_1Abc"]', [], required=False),
    "products": Key(texts, 'products = ["prod_Abc"]', [], required=False),
}


def read_policy(text: str, messages: Collection[str] | None = None) -> Policy:
    """The policy that `text` (TOML) says. Raises PolicyMistakes with all that is wrong; `messages`
    are those that there are, if it is known.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyMistakes([f"the file is no TOML: {error}. Example: days = 14"]) from error
    mistakes: list[str] = []
    top = read(
        raw,
        _TOP,
        "",
        mistakes,
        beside=(
            "trial",
            "access",
            "plans",
            "mail",
            "sequences",
            "milestones",
            "signup",
            "pages",
            "checkout",
            "cancel",
            "operators",
        ),
    )
    trial = read(table(raw, "trial", mistakes), _TRIAL, "trial.", mistakes)
    access = read(table(raw, "access", mistakes), _ACCESS, "access.", mistakes)
    plans = _plans(table(raw, "plans", mistakes), mistakes)
    milestones = read_milestones(raw, mistakes)
    signup, pages = read_signup(raw, plans, mistakes), read_pages(raw, mistakes)
    checkout, cancel = read_checkout(raw, mistakes), read_cancel(raw, plans, mistakes)
    mail, operators = read_mail(raw, mistakes), read_operators(raw, mistakes)
    steps = read_steps(raw, frozenset(plans), milestones, messages, mail is not None, mistakes)
    if isinstance(trial.get("after_trial"), str) and trial["after_trial"] not in plans:
        mistakes.append(
            f'trial.after_trial: there is no plan "{trial["after_trial"]}". Example: after_trial ='
            f' "{next(iter(plans), "free")}"'
        )
    if mistakes:
        raise PolicyMistakes(mistakes)
    return Policy(
        hash=hashlib.sha256(text.encode()).hexdigest()[:12],
        base_url=top["base_url"].rstrip("/"),
        plans=plans,
        trial=TrialPolicy(
            days=trial["days"],
            late_news=timedelta(hours=trial["late_news_hours"]),
            first_payment=timedelta(hours=trial["first_payment_hours"]),
            after_trial=trial["after_trial"],
            without_card=trial["without_card"],
        ),
        access=AccessPolicy(
            past_due_grace=timedelta(days=access["past_due_grace_days"]),
            renewal_grace=timedelta(days=access["renewal_grace_days"]),
            stale=access["stale"],
            collection_paused=(
                None if access["collection_paused"] == "keep" else access["collection_paused"]
            ),
            payment_tries=access["payment_tries"],
        ),
        signup=signup,
        pages=pages,
        currency=top["currency"],
        checkout=checkout,
        cancel=cancel,
        mail=mail,
        steps=steps,
        milestones=milestones,
        operators=operators,
    )


def _plans(raw: Mapping[str, Any], mistakes: list[str]) -> dict[str, Plan]:
    if not raw:
        mistakes.append('plans: at least one plan is needed. Example: [plans.pro] name = "Pro"')
    before = len(mistakes)
    found: dict[str, dict[str, Any]] = {}
    for id, content in raw.items():
        if not re.fullmatch(r"[a-z0-9_-]{1,64}", id):
            mistakes.append(
                f"plans.{id}: a plan's id is made of a-z, 0-9, _ and -. Example: [plans.pro]"
            )
        elif not isinstance(content, dict):
            mistakes.append(f"plans.{id}: must be a table. Example: [plans.{id}]")
        else:
            found[id] = read(content, _PLAN, f"plans.{id}.", mistakes)
    if len(mistakes) > before:
        return {}
    owners: dict[str, str] = {}
    for id, plan in found.items():
        elsewhere = (
            key for tariff in plan["currencies"].values() for key in tariff["lookup_keys"].values()
        )
        for value in (
            *plan["lookup_keys"].values(),
            *elsewhere,
            *plan["prices"],
            *plan["products"],
        ):
            if owners.setdefault(value, id) != id:
                mistakes.append(
                    f'plans.{id}: "{value}" means plan "{owners[value]}" already. Example:'
                    f" {id}_monthly"
                )
    return {id: _plan(id, plan) for id, plan in found.items()}


def _plan(id: str, plan: Mapping[str, Any]) -> Plan:
    ids = tuple(plan["prices"]), tuple(plan["products"])
    return Plan(
        id,
        plan["name"],
        tuple(plan["features"]),
        plan["lookup_keys"],
        plan["amounts"],
        *ids,
        tariffs(plan["currencies"]),
    )
