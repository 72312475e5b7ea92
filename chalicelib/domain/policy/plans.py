"""Reads and checks the plans of billing.toml."""

import re
from collections.abc import Mapping
from typing import Any

from chalicelib.domain.money import is_chargeable, rule_of
from chalicelib.domain.policy.keys import (
    INTERVALS,
    Key,
    matching,
    read_keys,
    text,
    text_list,
    whole_number,
)
from chalicelib.domain.policy.policy import Plan, Tariff

currency_code = matching("[a-z]{3}", "must be a currency code of three lowercase letters")
"""A currency as Stripe writes it."""


def _lookup_keys(value: Any) -> str | None:
    """At least one lookup key, by interval."""
    fits = (
        isinstance(value, dict)
        and value
        and set(value) <= set(INTERVALS)
        and all(text(key) is None for key in value.values())
    )
    return None if fits else f"must name a lookup key for at least one of {', '.join(INTERVALS)}"


def _amounts(value: Any) -> str | None:
    """Amounts in minor units, by interval."""
    fits = (
        isinstance(value, dict)
        and set(value) <= set(INTERVALS)
        and all(whole_number(0, 10**9)(amount) is None for amount in value.values())
    )
    return (
        None if fits else f"must name an amount in minor units for some of {', '.join(INTERVALS)}"
    )


def _currencies(value: Any) -> str | None:
    """Lookup keys and amounts, by currency."""
    if not isinstance(value, dict) or any(currency_code(name) for name in value):
        return "must be tables by currency code, each of three lowercase letters"
    for name, tariff in value.items():
        if not isinstance(tariff, dict) or not set(tariff) <= {"lookup_keys", "amounts"}:
            return f"{name} must have lookup_keys and may have amounts"
        wrong = _lookup_keys(tariff.get("lookup_keys")) or _amounts(tariff.get("amounts", {}))
        if wrong:
            return f"{name} {wrong}"
    return None


FEATURE_BYTES = 8_000
"""What the features of a plan may take. They are in each answer about access and in each event,
which stays below 20 KB.
"""


def _features(value: Any) -> str | None:
    wrong = text_list(value)
    if wrong is None and sum(len(one.encode()) + 3 for one in value) > FEATURE_BYTES:
        return f"must take {FEATURE_BYTES:,} bytes together at most"
    return wrong


_PLAN = {
    "name": Key(text, 'name = "Pro"'),
    "features": Key(_features, 'features = ["projects", "reports"]'),
    "lookup_keys": Key(
        _lookup_keys,
        'lookup_keys = { month = "pro_monthly", year = "pro_yearly" }',
        {},
        required=False,
    ),
    "amounts": Key(_amounts, "amounts = { month = 4900, year = 49000 }", {}, required=False),
    "currencies": Key(
        _currencies,
        'currencies.eur = { lookup_keys = { month = "pro_monthly_eur" }, amounts = { month = 4500 }'
        " }",
        {},
        required=False,
    ),
    "prices": Key(text_list, 'prices = ["price_1Abc"]', [], required=False),
    "products": Key(text_list, 'products = ["prod_Abc"]', [], required=False),
}


def read_plans(raw: Mapping[str, Any], currency: str, mistakes: list[str]) -> dict[str, Plan]:
    """The plans of the table `plans` by id, in the order of the file; none if one has a mistake.
    `currency` is the owner's own.
    """
    if not raw:
        mistakes.append('plans: at least one plan is needed. Example: [plans.pro] name = "Pro"')
    before = len(mistakes)
    tables: dict[str, dict[str, Any]] = {}
    for id, content in raw.items():
        if not re.fullmatch(r"[a-z0-9_-]{1,64}", id):
            mistakes.append(
                f"plans.{id}: a plan's id is made of a-z, 0-9, _ and -. Example: [plans.pro]"
            )
        elif not isinstance(content, dict):
            mistakes.append(f"plans.{id}: must be a table. Example: [plans.{id}]")
        else:
            tables[id] = read_keys(content, _PLAN, f"plans.{id}.", mistakes)
    if len(mistakes) > before:
        return {}
    plans = {id: _plan(id, values) for id, values in tables.items()}
    _check_prices(plans, mistakes)
    _check_amounts(plans, currency, mistakes)
    return plans


def _plan(id: str, values: Mapping[str, Any]) -> Plan:
    return Plan(
        id,
        values["name"],
        tuple(values["features"]),
        values["lookup_keys"],
        values["amounts"],
        tuple(values["prices"]),
        tuple(values["products"]),
        {
            name: Tariff(tariff["lookup_keys"], tariff.get("amounts", {}))
            for name, tariff in values["currencies"].items()
        },
    )


def _check_prices(plans: Mapping[str, Plan], mistakes: list[str]) -> None:
    """Each lookup key, price and product may belong to one plan only."""
    owners: dict[str, str] = {}
    for id, plan in plans.items():
        for value in (*plan.all_lookup_keys, *plan.prices, *plan.products):
            if owners.setdefault(value, id) != id:
                mistakes.append(
                    f'plans.{id}: "{value}" belongs to plan "{owners[value]}" already. Example:'
                    f" {id}_monthly"
                )


def _check_amounts(plans: Mapping[str, Plan], own: str, mistakes: list[str]) -> None:
    """Stripe must be able to charge each amount exactly."""
    for plan in plans.values():
        for currency, interval, _, amount in plan.prices_in(own):
            if amount is not None and not is_chargeable(amount, currency):
                step = rule_of(currency).step
                where = "amounts" if currency == own else f"currencies.{currency}.amounts"
                mistakes.append(
                    f"plans.{plan.id}.{where}: Stripe charges {currency} in steps of {step}."
                    f" Example: {interval} = {-(-amount // step) * step}"
                )
