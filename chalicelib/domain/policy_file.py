"""billing.toml read and checked: every mistake is found in one go, each with its key, what is wrong and an example."""

import hashlib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from chalicelib.domain.errors import PolicyMistakes
from chalicelib.domain.policy import AccessPolicy, Plan, Policy, TrialPolicy

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class _Key:
    """What a key of billing.toml must hold. `check` says what is wrong with a value, or nothing."""

    check: Callable[[Any], str | None]
    example: str
    default: Any = None
    required: bool = True


def _whole(least: int, most: int) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return None if fits else f"must be a whole number from {least} to {most}"

    return check


def _one_of(*words: str) -> Callable[[Any], str | None]:
    return lambda value: None if value in words else f"must be one of {', '.join(words)}"


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else "must be a text that is not empty"


def _texts(value: Any) -> str | None:
    fits = isinstance(value, list) and all(isinstance(one, str) and one.strip() for one in value) and len(set(map(str, value))) == len(value)
    return None if fits else "must be a list of different texts"


def _https(value: Any) -> str | None:
    parts = urlsplit(value) if isinstance(value, str) else None
    fits = parts and parts.hostname and not (parts.path.strip("/") or parts.query or parts.fragment)
    local = parts and parts.hostname in {"127.0.0.1", "localhost"}
    return None if fits and parts and (parts.scheme == "https" or (local and parts.scheme == "http")) else "must be an https address without a path"


def _lookup_keys(value: Any) -> str | None:
    fits = isinstance(value, dict) and value and set(value) <= {"day", "week", "month", "year"} and all(_text(one) is None for one in value.values())
    return None if fits else "must name a lookup key for at least one of day, week, month, year"


def _schema(value: Any) -> str | None:
    return None if value == SCHEMA else f"must be {SCHEMA}, the schema that this release reads"


_TOP = {
    "schema": _Key(_schema, f"schema = {SCHEMA}"),
    "base_url": _Key(_https, 'base_url = "https://billing.example.com"'),
}
_TRIAL = {
    "days": _Key(_whole(1, 730), "days = 14"),
    "late_news_hours": _Key(_whole(0, 72), "late_news_hours = 6", 6, required=False),
    "first_payment_hours": _Key(_whole(1, 168), "first_payment_hours = 24", 24, required=False),
    "after_trial": _Key(_text, 'after_trial = "free"', required=False),
}
_ACCESS = {
    "past_due_grace_days": _Key(_whole(0, 60), "past_due_grace_days = 7", 7, required=False),
    "renewal_grace_days": _Key(_whole(0, 60), "renewal_grace_days = 7", 7, required=False),
    "stale": _Key(_one_of("full", "limited", "none"), 'stale = "limited"', "limited", required=False),
    "collection_paused": _Key(_one_of("keep", "limited", "none"), 'collection_paused = "keep"', "keep", required=False),
}
_PLAN = {
    "name": _Key(_text, 'name = "Pro"'),
    "features": _Key(_texts, 'features = ["projects", "reports"]'),
    "lookup_keys": _Key(_lookup_keys, 'lookup_keys = { month = "pro_monthly", year = "pro_yearly" }', {}, required=False),
    "prices": _Key(_texts, 'prices = ["price_1Abc"]', [], required=False),
    "products": _Key(_texts, 'products = ["prod_Abc"]', [], required=False),
}


def read_policy(text: str) -> Policy:
    """The policy that `text` (TOML) says. Raises PolicyMistakes with all that is wrong."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyMistakes([f"the file is no TOML: {error}. Example: days = 14"]) from error
    mistakes: list[str] = []
    top = _read(raw, _TOP, "", mistakes, beside=("trial", "access", "plans"))
    trial = _read(_table(raw, "trial", mistakes), _TRIAL, "trial.", mistakes)
    access = _read(_table(raw, "access", mistakes), _ACCESS, "access.", mistakes)
    plans = _plans(_table(raw, "plans", mistakes), mistakes)
    if isinstance(trial.get("after_trial"), str) and trial["after_trial"] not in plans:
        mistakes.append(f'trial.after_trial: there is no plan "{trial["after_trial"]}". Example: after_trial = "{next(iter(plans), "free")}"')
    if mistakes:
        raise PolicyMistakes(mistakes)
    return Policy(
        hash=hashlib.sha256(text.encode()).hexdigest()[:12],
        base_url=top["base_url"].rstrip("/"),
        plans=plans,
        trial=TrialPolicy(
            trial["days"], timedelta(hours=trial["late_news_hours"]), timedelta(hours=trial["first_payment_hours"]), trial["after_trial"]
        ),
        access=AccessPolicy(
            past_due_grace=timedelta(days=access["past_due_grace_days"]),
            renewal_grace=timedelta(days=access["renewal_grace_days"]),
            stale=access["stale"],
            collection_paused=None if access["collection_paused"] == "keep" else access["collection_paused"],
        ),
    )


def _table(raw: Mapping[str, Any], name: str, mistakes: list[str]) -> Mapping[str, Any]:
    value = raw.get(name, {})
    if isinstance(value, dict):
        return value
    mistakes.append(f"{name}: must be a table. Example: [{name}]")
    return {}


def _read(raw: Mapping[str, Any], keys: Mapping[str, _Key], prefix: str, mistakes: list[str], beside: tuple[str, ...] = ()) -> dict[str, Any]:
    mistakes += [f"{prefix}{name}: no such key. Known here: {', '.join(keys)}" for name in raw if name not in keys and name not in beside]
    read: dict[str, Any] = {}
    for name, key in keys.items():
        if name not in raw:
            read[name] = key.default
            wrong = "is missing" if key.required else None
        else:
            read[name] = raw[name]
            wrong = key.check(raw[name])
        if wrong:
            mistakes.append(f"{prefix}{name}: {wrong}. Example: {key.example}")
    return read


def _plans(raw: Mapping[str, Any], mistakes: list[str]) -> dict[str, Plan]:
    if not raw:
        mistakes.append('plans: at least one plan is needed. Example: [plans.pro] name = "Pro"')
    before = len(mistakes)
    read: dict[str, dict[str, Any]] = {}
    for id, table in raw.items():
        if not re.fullmatch(r"[a-z0-9_-]{1,64}", id):
            mistakes.append(f"plans.{id}: a plan's id is made of a-z, 0-9, _ and -. Example: [plans.pro]")
        elif not isinstance(table, dict):
            mistakes.append(f"plans.{id}: must be a table. Example: [plans.{id}]")
        else:
            read[id] = _read(table, _PLAN, f"plans.{id}.", mistakes)
    if len(mistakes) > before:
        return {}
    owners: dict[str, str] = {}
    for id, plan in read.items():
        for value in (*plan["lookup_keys"].values(), *plan["prices"], *plan["products"]):
            if owners.setdefault(value, id) != id:
                mistakes.append(f'plans.{id}: "{value}" means plan "{owners[value]}" already. Example: {id}_monthly')
    return {
        id: Plan(id, plan["name"], tuple(plan["features"]), plan["lookup_keys"], tuple(plan["prices"]), tuple(plan["products"]))
        for id, plan in read.items()
    }
