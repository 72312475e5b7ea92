"""Reads and checks the part of billing.toml about the people system: Intercom, or what speaks
Segment's HTTP API.
"""

from collections.abc import Collection, Mapping
from typing import Any

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.outgoing.targets import read_target
from chalicelib.domain.policy.keys import (
    Key,
    boolean,
    identifier,
    one_of,
    read_keys,
    table,
    text_list,
)
from chalicelib.domain.policy.policy import PeoplePolicy

INTERCOM, SEGMENT = "intercom", "segment"

DEFAULT_ADDRESSES = {INTERCOM: "https://api.intercom.io", SEGMENT: "https://api.segment.io"}
"""Of the regions in the US. Intercom's others are api.eu.intercom.io and api.au.intercom.io.

Segment's other is events.eu1.segmentapis.com (segment.com/docs/guides/regional-segment; also in
github.com/GitbookIO/integrations/issues/950, tried on a workspace). Its page of the HTTP API has
named eu1.api.segmentapis.com, which is Segment's Public API in the EU and takes no events
(github.com/segmentio/public-api-sdk-typescript).
"""

VERSION_PATH = "/v1"
"""What Segment's pages show behind the host, and the calls add themselves."""

FIELDS = {
    "email": "The address.",
    "name": "The name.",
    "signed_up_at": "When the customer came.",
    "billing_access": "full, limited or none.",
    "billing_reason": "Why.",
    "billing_status": "The subscription's status at Stripe.",
    "billing_plan": "The plan.",
    "billing_quantity": "The seats.",
    "trial_ends_at": "When the trial ends.",
    "billing_until_at": "When access changes next.",
    "mrr": "The revenue a month, in major units.",
    "billing_currency": "Of which currency that is.",
    "billing_mode": "test or live.",
    "billing_external_id": "The product's id.",
    "billing_source": "Where the customer signed up.",
}
"""What may leave, each with its meaning. The account's id and the consent to mail always do."""


def _base_url(value: Any) -> str | None:
    if not isinstance(value, str):
        return "must be a URL"
    try:
        # This machine is refused by a deployment, not by the file.
        read_target(value, loopback=True, field="")
    except InvalidInput as error:
        return error.message.strip().removesuffix(".")
    return None


def _fields(value: Any) -> str | None:
    unknown = text_list(value) or [name for name in value if name not in FIELDS]
    return f"must list some of {', '.join(FIELDS)}" if unknown else None


def event_key(name: str) -> str:
    """What an event is found by: Intercom does not mind case, and makes dots and dollar signs
    hyphens.
    """
    return name.strip().casefold().replace(".", "-").replace("$", "-")


def _milestones(value: Any) -> str | None:
    if not isinstance(value, dict) or any(
        not event_key(name) or identifier(milestone) for name, milestone in value.items()
    ):
        return "must give the name of a milestone for each name of an event"
    keys = [event_key(name) for name in value]
    twice = next((name for name in value if keys.count(event_key(name)) > 1), None)
    return f"has the event {twice} twice: upper and lower case are the same" if twice else None


_PEOPLE = {
    "to": Key(one_of(INTERCOM, SEGMENT), 'to = "intercom"'),
    "base_url": Key(_base_url, 'base_url = "https://api.eu.intercom.io"', required=False),
    "events": Key(text_list, 'events = ["trial.started"]', (), required=False),
    "fields": Key(_fields, 'fields = ["email", "billing_access"]', list(FIELDS), required=False),
    "revive_archived": Key(boolean, "revive_archived = true", True, required=False),
    "follow_unsubscribes": Key(boolean, "follow_unsubscribes = true", True, required=False),
    "follow_subscribes": Key(boolean, "follow_subscribes = false", False, required=False),
    "milestones": Key(
        _milestones, 'milestones = { "Project Created" = "first_project" }', {}, required=False
    ),
}


def read_people(raw: Mapping[str, Any], mistakes: list[str]) -> PeoplePolicy | None:
    """The table `people`; None if there is none or if it has a mistake. Whether there are events of
    these types is checked by `check_types`.
    """
    if "people" not in raw:
        return None
    before = len(mistakes)
    values = read_keys(table(raw, "people", mistakes), _PEOPLE, "people.", mistakes)
    if len(mistakes) > before:
        return None
    return PeoplePolicy(
        to=values["to"],
        base_url=_root(values["base_url"] or DEFAULT_ADDRESSES[values["to"]], values["to"]),
        events=tuple(values["events"]),
        fields=frozenset(values["fields"]),
        revive_archived=values["revive_archived"],
        follow_unsubscribes=values["follow_unsubscribes"],
        follow_subscribes=values["follow_subscribes"],
        milestones={event_key(name): to for name, to in values["milestones"].items()},
    )


def _root(url: str, to: str) -> str:
    """The address that paths are put behind."""
    url = url.rstrip("/")
    return url.removesuffix(VERSION_PATH).rstrip("/") if to == SEGMENT else url


def check_reported_milestones(
    people: PeoplePolicy | None, milestones: Collection[str], mistakes: list[str]
) -> None:
    """Add a mistake for each milestone that an event stands for and that there is not."""
    mistakes += [
        f'people.milestones: there is no milestone {name}. Example: milestones = ["{name}"]'
        for name in sorted(set(people.milestones.values()) - set(milestones) if people else ())
    ]


def refuse_local_people(policy: PeoplePolicy | None) -> None:
    """Check the policy of a deployed stage: it calls no address of the local system. Raises
    InvalidInput.
    """
    if policy:
        read_target(policy.base_url, field="people.base_url")
