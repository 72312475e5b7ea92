"""Reads and checks the parts of billing.toml about event buses and Slack: the systems that events
come from and go to.
"""

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.policy.keys import Key, matching, read_keys, table, text_list
from chalicelib.domain.policy.policy import BusPolicy, SlackPolicy

_SOURCE = r"(?:aws\.partner/stripe\.com/ed_[A-Za-z0-9_]{1,200})?"
_NAME = r"[./_A-Za-z0-9-]{1,256}"
_BUS_NAME = rf"(?:arn:aws[a-z-]*:events:[a-z0-9-]+:\d{{12}}:event-bus/)?{_NAME}"

_BUS = {
    "stripe_source": Key(
        matching(_SOURCE, "must be the name of a partner event source of Stripe's, or empty"),
        'stripe_source = "aws.partner/stripe.com/ed_61Sx9KtMPC8Xw"',
        required=False,
    ),
    "name": Key(
        matching(_BUS_NAME, "must be the name of an event bus, or the ARN of another account's"),
        'name = "billing"',
        required=False,
    ),
    "events": Key(text_list, 'events = ["access.revoked"]', (), required=False),
}

_SLACK = {"happenings": Key(text_list, 'happenings = ["trial.started", "payment.failed"]')}


def read_bus(raw: Mapping[str, Any], mistakes: list[str]) -> BusPolicy:
    """The table `bus`. Whether there are events of these types is checked by `check_types`."""
    values = read_keys(table(raw, "bus", mistakes), _BUS, "bus.", mistakes)
    events = values["events"] if isinstance(values["events"], list) else ()
    if events and not values["name"]:
        mistakes.append('bus.name: is missing for bus.events. Example: name = "billing"')
    return BusPolicy(values["stripe_source"], values["name"], tuple(events))


def read_slack(raw: Mapping[str, Any], mistakes: list[str]) -> SlackPolicy | None:
    """The table `slack`; None if there is none or if it has a mistake."""
    if "slack" not in raw:
        return None
    before = len(mistakes)
    values = read_keys(table(raw, "slack", mistakes), _SLACK, "slack.", mistakes)
    return None if len(mistakes) > before else SlackPolicy(tuple(values["happenings"]))


def source_for(bus: BusPolicy, livemode: bool) -> str | None:
    """The partner event source of a stage for Stripe's live mode, or for its test mode; None if
    billing.toml does not name one of this mode. Empty switches EventBridge off.
    """
    source = bus.stripe_source
    return source if not source or ("/ed_test_" not in source) is livemode else None
