"""Reads and checks the part of billing.toml about event buses."""

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.policy.keys import Key, matching, read_keys, table
from chalicelib.domain.policy.policy import BusPolicy

_SOURCE = r"(?:aws\.partner/stripe\.com/ed_[A-Za-z0-9_]{1,200})?"

_BUS = {
    "stripe_source": Key(
        matching(_SOURCE, "must be the name of a partner event source of Stripe's, or empty"),
        'stripe_source = "aws.partner/stripe.com/ed_61Sx9KtMPC8Xw"',
        required=False,
    ),
}


def read_bus(raw: Mapping[str, Any], mistakes: list[str]) -> BusPolicy:
    """The table `bus`."""
    values = read_keys(table(raw, "bus", mistakes), _BUS, "bus.", mistakes)
    return BusPolicy(values["stripe_source"])


def source_for(bus: BusPolicy, livemode: bool) -> str | None:
    """The partner event source of a stage for Stripe's live mode, or for its test mode; None if
    billing.toml does not name one of this mode. Empty switches EventBridge off.
    """
    source = bus.stripe_source
    return source if not source or ("/ed_test_" not in source) is livemode else None
