"""Reads and checks the table of billing.toml about figures."""

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.policy.keys import Key, one_of, read_keys, table
from chalicelib.domain.policy.policy import FiguresPolicy

_FIGURES = {
    "metered": Key(one_of("none", "unit"), 'metered = "none"', "none", required=False),
}


def read_figures(raw: Mapping[str, Any], mistakes: list[str]) -> FiguresPolicy:
    """The table `figures`."""
    values = read_keys(table(raw, "figures", mistakes), _FIGURES, "figures.", mistakes)
    return FiguresPolicy(metered=values["metered"] == "unit")
