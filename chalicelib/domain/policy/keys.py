"""What a key of billing.toml may hold: the checks, and how a table of keys is read with every
mistake named.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Key:
    """What a key of billing.toml must hold. `check` says what is wrong with a value, or nothing."""

    check: Callable[[Any], str | None]
    example: str
    default: Any = None
    required: bool = True


def whole(least: int, most: int) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return None if fits else f"must be a whole number from {least} to {most}"

    return check


def one_of(*words: object) -> Callable[[Any], str | None]:
    return lambda value: None if value in words else f"must be one of {', '.join(map(str, words))}"


def matching(pattern: str, wrong: str) -> Callable[[Any], str | None]:
    return lambda value: None if isinstance(value, str) and re.fullmatch(pattern, value) else wrong


def text(value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else "must be a text that is not empty"


def texts(value: Any) -> str | None:
    fits = (
        isinstance(value, list)
        and all(isinstance(one, str) and one.strip() for one in value)
        and len(set(map(str, value))) == len(value)
    )
    return None if fits else "must be a list of different texts"


def https(value: Any) -> str | None:
    parts = urlsplit(value) if isinstance(value, str) else None
    fits = parts and parts.hostname and not (parts.path.strip("/") or parts.query or parts.fragment)
    local = parts and parts.hostname in {"127.0.0.1", "localhost"}
    return (
        None
        if fits and parts and (parts.scheme == "https" or (local and parts.scheme == "http"))
        else "must be an https address without a path"
    )


def table(raw: Mapping[str, Any], name: str, mistakes: list[str]) -> Mapping[str, Any]:
    value = raw.get(name, {})
    if isinstance(value, dict):
        return value
    mistakes.append(f"{name}: must be a table. Example: [{name}]")
    return {}


def read(
    raw: Mapping[str, Any],
    keys: Mapping[str, Key],
    prefix: str,
    mistakes: list[str],
    beside: tuple[str, ...] = (),
) -> dict[str, Any]:
    mistakes += [
        f"{prefix}{name}: no such key. Known here: {', '.join(keys)}"
        for name in raw
        if name not in keys and name not in beside
    ]
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
