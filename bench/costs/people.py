"""What the life of a customer's contact uses: made with the signup, written with each change, told
each event.
"""

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping
from unittest.mock import patch
from urllib.parse import urlsplit

from bench.costs.stories import Used, signs_up
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.people.contact import ATTRIBUTES
from chalicelib.domain.policy.people import FIELDS
from chalicelib.domain.policy.policy import PeoplePolicy
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.webhooks.people.connect import connected
from chalicelib.values import replace
from local.intercom.stand_in import IntercomStandIn

PEOPLE = PeoplePolicy("intercom", "https://api.intercom.io", (), frozenset(FIELDS))


class Intercom:
    """A workspace that has the attributes. `calls` counts what it was asked, by kind."""

    def __init__(self) -> None:
        self.stand_in = IntercomStandIn(clock.now)
        self.stand_in.attributes |= ATTRIBUTES
        self.calls: Counter[str] = Counter()

    def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> CallAnswer:
        """See MethodCaller."""
        path = urlsplit(url).path
        looks = method == "GET" or path.endswith("/search")
        self.calls["looks" if looks else "events" if path == "/events" else "writes"] += 1
        return self.stand_in(method, path, json.loads(body) if body else None)


def life_of_a_contact() -> Used:
    """A signup whose trial runs out, as in `signs_up`, and its contact; the name says how many
    calls Intercom got. Raises RuntimeError if the contact was not written.
    """
    intercom = Intercom()
    policy = replace(wiring.policy(), people=PEOPLE)
    used = signs_up(
        None,
        "",
        patch.object(wiring, "policy", lambda: policy),
        patch.object(
            wiring, "people_system", lambda: connected(PEOPLE, intercom, "token", clock.now)
        ),
    )
    calls = intercom.calls
    if len(intercom.stand_in.contacts) != 1 or not intercom.stand_in.events:
        raise RuntimeError(f"Intercom was asked {dict(calls)}.")
    told = f"{calls['writes']} writes, {calls['events']} events and {calls['looks']} looks"
    return dataclasses.replace(used, name=f"the same with a contact at Intercom: {told}")
