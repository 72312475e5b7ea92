"""Lambda's event filtering, as far as the template uses it."""

from typing import Any


def passes(patterns: list[dict[str, Any]], record: dict[str, Any]) -> bool:
    """Whether a record passes one of the patterns; without any, every record does."""
    return not patterns or any(_matches(pattern, record) for pattern in patterns)


def _matches(pattern: Any, value: Any) -> bool:
    if isinstance(pattern, dict):
        return all(
            _matches(inner, value.get(key) if isinstance(value, dict) else None)
            for key, inner in pattern.items()
        )
    return any(_allows(rule, value) for rule in pattern)


def _allows(rule: Any, value: Any) -> bool:
    """One entry of a pattern's list. Like Lambda's, `exists` speaks of leaves: a map, or a list of
    maps, does not exist for it.
    """
    leaves = [
        each
        for each in (value if isinstance(value, list) else [value])
        if each is not None and not isinstance(each, dict)
    ]
    if isinstance(rule, dict):
        if "exists" in rule:
            return bool(leaves) is rule["exists"]
        if "prefix" in rule:
            return any(isinstance(leaf, str) and leaf.startswith(rule["prefix"]) for leaf in leaves)
        if "anything-but" in rule:
            refused = (
                rule["anything-but"]
                if isinstance(rule["anything-but"], list)
                else [rule["anything-but"]]
            )
            return any(leaf not in refused for leaf in leaves)
        raise ValueError(f"local/aws/event_filters.py does not know the rule {rule}")
    return rule in leaves
