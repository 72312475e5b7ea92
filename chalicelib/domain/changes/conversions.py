"""Which domain events are conversions."""

from collections.abc import Mapping

PAYING = frozenset({"active", "canceling"})
"""The reasons of a standing with a paid subscription."""


def is_conversion(type: str, data: Mapping[str, object]) -> bool:
    """Whether a domain event is a conversion: a paid trial, or a former customer who pays again."""
    return type == "trial.converted" or is_win_back(type, data)


def is_win_back(type: str, data: Mapping[str, object]) -> bool:
    """Whether a domain event is that an account without access pays again."""
    return (
        type == "access.granted"
        and data.get("access_before") == "none"
        and data.get("reason") in PAYING
    )
