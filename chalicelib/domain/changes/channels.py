"""The channels that billing.toml names: an event bus, Slack and the people system. Events go to
them as they go to the endpoints of webhooks, each under a name in place of an endpoint's id.
"""

from collections.abc import Iterator

from chalicelib.domain.changes.event_catalogue import CATALOGUE
from chalicelib.domain.errors import PolicyMistakes
from chalicelib.domain.policy.policy import Policy

BUS, SLACK, PEOPLE = "bus", "slack", "people"
"""No endpoint has such an id: theirs begin with `we_`."""


def channels(policy: Policy) -> Iterator[str]:
    """The channels of a policy."""
    if policy.bus.name:
        yield BUS
    if policy.slack:
        yield SLACK
    if policy.people:
        yield PEOPLE


def channels_wanting(policy: Policy, type: str) -> Iterator[str]:
    """The channels that want events of a type."""
    if policy.bus.name and (not policy.bus.events or type in policy.bus.events):
        yield BUS
    if policy.slack and type in policy.slack.happenings:
        yield SLACK
    if policy.people:  # each event may change the contact, whether it is sent itself or not
        yield PEOPLE


def check_types(policy: Policy) -> None:
    """Check that there are events of every type that a channel wants. Raises PolicyMistakes."""
    wanted = {
        "bus.events": policy.bus.events,
        "slack.happenings": policy.slack.happenings if policy.slack else (),
        "people.events": policy.people.events if policy.people else (),
    }
    mistakes = [
        f'{key}: there are no events "{type}". There are {", ".join(CATALOGUE)}.'
        for key, types in wanted.items()
        for type in types
        if type not in CATALOGUE
    ]
    if mistakes:
        raise PolicyMistakes(mistakes)
