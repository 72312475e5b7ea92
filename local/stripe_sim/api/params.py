"""Parameters as Stripe takes them: form-encoded, nested by brackets, and checked against what the
SDK's own types say of each call.
"""

import json
import re
import sys
import types
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin
from urllib.parse import parse_qsl

from local.stripe_sim.api.errors import StripeRefusal

OPTIONS = frozenset(
    [
        "api_key",
        "stripe_version",
        "stripe_account",
        "stripe_context",
        "max_network_retries",
        "idempotency_key",
        "content_type",
        "headers",
    ]
)
"""What the SDK's types list beside the parameters: these go out as headers."""

ALSO_TAKEN = {
    "billing_cycle_anchor": (
        "Stripe took `now` and `unchanged` here until 2026-09-30.endive; the route sees to which"
        " version asks."
    ),
}
"""Parameters whose type is left to the route, and why."""


def parse_form(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """`items[0][price]=x`, `expand[]=a` and `metadata[k]=v` as nested dicts and lists, every leaf a
    text. Raises StripeRefusal.
    """
    found: dict[str, Any] = {}
    for name, value in pairs:
        parts = _parts(name)
        here = found
        for part in parts[:-1]:
            here = here.setdefault(part, {})
            if not isinstance(here, dict):
                raise StripeRefusal(f"Invalid hash: {name}", name)
        last = str(len(here)) if parts[-1] == "[]" else parts[-1]
        here[last] = value
    listed = {name: _listed(value) for name, value in found.items()}
    return listed


@lru_cache(1000)
def _parts(name: str) -> list[str]:
    """`items`, `0` and `price` of `items[0][price]`."""
    if not re.fullmatch(r"[^\[\]]+(\[[^\[\]]*\])*", name):
        raise StripeRefusal(f"Invalid parameter name: {name}", name)
    return [part for part in re.split(r"\[|\]\[|\]$", name) if part != ""] + (
        ["[]"] if name.endswith("[]") else []
    )


def parse_body(path: str, body: str) -> list[tuple[str, str]]:
    """The parameters in a body: version 2 of the API takes JSON, version 1 a form. Raises
    StripeRefusal.
    """
    if not path.startswith("/v2/"):
        return parse_qsl(body, keep_blank_values=True) if body else []
    try:
        sent = json.loads(body or "{}")
    except ValueError:
        raise StripeRefusal("The body is no JSON.") from None
    return list(_flattened(sent, ""))


def _flattened(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """JSON as the pairs of a form."""
    if not isinstance(value, dict | list):
        yield where, str(value).lower() if isinstance(value, bool) else str(value)
        return
    for name, one in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _flattened(one, f"{where}[{name}]" if where else str(name))


def _listed(value: Any) -> Any:
    """Hashes whose keys are 0, 1, 2 … are lists."""
    if not isinstance(value, dict):
        return value
    if value and all(key.isdecimal() for key in value):
        return [_listed(value[key]) for key in sorted(value, key=int)]
    return {key: _listed(one) for key, one in value.items()}


def checked(kind: Any, raw: dict[str, Any]) -> dict[str, Any]:
    """`raw` with its leaves in the types that the SDK's class `kind` declares. Raises
    StripeRefusal: unknown, missing or of a wrong type.
    """
    return dict(_hash(kind, raw, ""))


@cache
def _fields(kind: Any) -> dict[str, Any]:
    """The parameters of a class of the SDK's, inherited ones too."""
    return {
        name: hint
        for one in reversed(kind.__mro__)
        for name, hint in getattr(one, "__annotations__", {}).items()
        if name not in OPTIONS
    } | {"expand": list[str]}


def _hash(kind: Any, raw: Any, where: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise StripeRefusal(f"Invalid object: {where}", where)
    fields = _fields(kind)
    read: dict[str, Any] = {}
    for name, value in raw.items():
        path = f"{where}[{name}]" if where else name
        if name not in fields:
            raise StripeRefusal(f"Received unknown parameter: {path}", path, "parameter_unknown")
        read[name] = value if name in ALSO_TAKEN else _value(fields[name], value, path, kind)
    for name in sorted(kind.__required_keys__ - raw.keys()):
        path = f"{where}[{name}]" if where else name
        raise StripeRefusal(f"Missing required param: {path}.", path, "parameter_missing")
    return read


@cache
def _resolved(hint: Any, owner: Any) -> Any:
    """A hint without its forward references."""
    while True:
        if isinstance(hint, str):
            hint = eval(hint, vars(sys.modules[owner.__module__]) | vars(sys.modules["typing"]))
        elif hasattr(hint, "__forward_arg__"):
            hint = hint.__forward_arg__
        elif get_origin(hint) in (NotRequired, Required):
            (hint,) = get_args(hint)
        else:
            return hint


@cache
def _taken_apart(hint: Any) -> tuple[Any, tuple[Any, ...], bool]:
    """What a hint is made of, and whether it stands for a hash of anything."""
    return get_origin(hint), get_args(hint), "UntypedStripeObject" in str(hint)


def _value(hint: Any, value: Any, where: str, owner: Any) -> Any:
    hint = _resolved(hint, owner)
    origin, inside, is_untyped = _taken_apart(hint)
    if origin in (Union, types.UnionType):
        return _one_of(tuple(_resolved(one, owner) for one in inside), value, where, owner)
    if origin is list or hint is list:
        if not isinstance(value, list):
            raise StripeRefusal(f"Invalid array: {where}", where)
        return [
            _value(inside[0], one, f"{where}[{place}]", owner) for place, one in enumerate(value)
        ]
    if origin is dict and inside[1] is not str and isinstance(value, dict):
        return {
            name: _value(inside[1], one, f"{where}[{name}]", owner) for name, one in value.items()
        }
    if origin is dict or is_untyped:
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise StripeRefusal(f"Invalid object: {where}", where)
        return value
    if isinstance(hint, type) and hint.__module__.startswith("stripe"):
        return _hash(hint, value, where)
    return _leaf(hint, value, where)


def _one_of(hints: tuple[Any, ...], value: Any, where: str, owner: Any) -> Any:
    """The first of several types that fits; `str` beside literals only says that Stripe may add to
    them.
    """
    literals, closed = _kinds(hints)
    if value in literals and isinstance(value, str):
        return value
    refusal: StripeRefusal | None = None
    for hint in closed:
        try:
            return _value(hint, value, where, owner)
        except StripeRefusal as error:
            refusal = refusal if refusal and isinstance(value, dict) is False else error
    if refusal is None or (literals not in ([], [""]) and not isinstance(value, dict)):
        words = [str(one) for one in literals if one != ""]
        raise StripeRefusal(
            f"Invalid {where}: must be one of"
            f" {', '.join(words[:-1])}{' or ' if words[:-1] else ''}{words[-1] if words else ''}",
            where,
        )
    raise refusal


@cache
def _kinds(hints: tuple[Any, ...]) -> tuple[list[Any], list[Any]]:
    """The literals among several types, and the types that a value is read as."""
    literals = [one for hint in hints if get_origin(hint) is Literal for one in get_args(hint)]
    closed = [
        hint
        for hint in hints
        if get_origin(hint) is not Literal
        and hint is not type(None)
        and not (hint is str and literals != [""] and literals)
    ]
    return literals, closed


def _leaf(hint: Any, value: Any, where: str) -> Any:
    if not isinstance(value, str):
        raise StripeRefusal(f"Invalid string: {where}", where)
    if hint is bool:
        if value not in ("true", "false"):
            raise StripeRefusal(f"Invalid boolean: {value}", where)
        return value == "true"
    if hint is int:
        if not re.fullmatch(r"-?\d{1,18}", value):
            raise StripeRefusal(f"Invalid integer: {value}", where, "parameter_invalid_integer")
        return int(value)
    if hint in (float, Decimal):
        try:
            return float(Decimal(value))
        except InvalidOperation:
            raise StripeRefusal(f"Invalid decimal: {value}", where) from None
    if get_origin(hint) is Literal:
        return _one_of((hint,), value, where, None)
    if value == "":
        raise StripeRefusal(
            f"You passed an empty string for '{where}'. We assume empty values are an attempt to"
            f" unset a parameter; however '{where}' cannot be unset.",
            where,
            "parameter_invalid_empty",
        )
    return value
