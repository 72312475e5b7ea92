"""Reads and checks the milestones of billing.toml: what the product may report of its users."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from chalicelib.domain.policy.keys import Key, duration, duration_text, identifier, read_keys
from chalicelib.domain.policy.mail import by_language, https_link, mail_language, text_by_language
from chalicelib.domain.policy.policy import Milestone

_MILESTONE = {
    "name": Key(identifier, 'name = "connected_data"'),
    "title": Key(text_by_language, 'title = "Connect your data"', required=False),
    "article_url": Key(
        https_link, 'article_url = "https://acme.example/help/connect"', "", required=False
    ),
    "after": Key(duration_text, 'after = "2d"', "2d", required=False),
}


def read_milestones(raw: Mapping[str, Any], mistakes: list[str]) -> dict[str, Milestone]:
    """The milestones by name; none if one has a mistake. Each is a name, or a table with more."""
    value = raw.get("milestones", [])
    tables = (
        [{"name": item} if isinstance(item, str) else item for item in value]
        if isinstance(value, list)
        else [None]
    )
    names = [item.get("name") if isinstance(item, dict) else None for item in tables]
    if len(set(map(str, names))) < len(names) or any(identifier(name) for name in names):
        mistakes.append(
            "milestones: must list different names made of a-z, 0-9 and _. Example: milestones ="
            ' ["connected_data"]'
        )
        return {}
    before = len(mistakes)
    found = [
        read_keys(item, _MILESTONE, f"milestones[{place}].", mistakes)
        for place, item in enumerate(tables, 1)
        if item is not None
    ]
    if len(mistakes) > before:
        return {}
    language = mail_language(raw)
    return {
        values["name"]: Milestone(
            values["name"],
            by_language(values["title"], language),
            values["article_url"],
            duration(values["after"]) or timedelta(0),
        )
        for values in found
    }
