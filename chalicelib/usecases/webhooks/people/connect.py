"""The people system of a policy, over calls."""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.people.intercom import VERSION
from chalicelib.domain.policy.people import INTERCOM
from chalicelib.domain.policy.policy import PeoplePolicy
from chalicelib.usecases.ports.outgoing import MethodCaller
from chalicelib.usecases.webhooks.people.intercom import Intercom
from chalicelib.usecases.webhooks.people.segment import Segment
from chalicelib.usecases.webhooks.people.system import PeopleSystem


def connected(
    policy: PeoplePolicy, caller: MethodCaller, token: str, now: Callable[[], datetime]
) -> PeopleSystem:
    """The system that the policy names, called with this token."""
    if policy.to == INTERCOM:
        headers = {"Authorization": f"Bearer {token}", "Intercom-Version": VERSION}
    else:  # the write key is the user, and the password is empty: the colon stays
        headers = {"Authorization": f"Basic {b64encode(f'{token}:'.encode()).decode()}"}

    def call(method: str, path: str, body: object) -> CallAnswer:
        sent = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        about = {"Accept": "application/json"} | (
            {"Content-Type": "application/json"} if sent else {}
        )
        return caller.call(method, f"{policy.base_url}{path}", headers | about, sent)

    return Intercom(call, policy.revive_archived) if policy.to == INTERCOM else Segment(call, now)
