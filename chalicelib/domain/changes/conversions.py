"""What counts as a conversion."""

from collections.abc import Mapping

PAYING = frozenset({"active", "canceling"})


def converts(type: str, data: Mapping[str, object]) -> bool:
    """Whether a happening is one: a trial that is paid for, or a customer without access who pays
    again.
    """
    return type == "trial.converted" or comes_back(type, data)


def comes_back(type: str, data: Mapping[str, object]) -> bool:
    """Whether a happening is that a customer without access pays again."""
    return (
        type == "access.granted"
        and data.get("access_before") == "none"
        and data.get("reason") in PAYING
    )
