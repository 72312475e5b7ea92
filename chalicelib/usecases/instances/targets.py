"""The provisioners that billing.toml can name: an endpoint, an event bus, a state machine."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime

from chalicelib.domain.account.parts.instance import InstanceRequest
from chalicelib.domain.changes.event_document import iso_time
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.outgoing.bus import SOURCE
from chalicelib.domain.outgoing.signature import key_of, signed_headers
from chalicelib.usecases.ports.outgoing import Bus, Caller, StateMachines
from chalicelib.values import frozen

REQUESTED = "instance.requested"
"""The DetailType of the entries on an event bus."""

LONGEST_NAME = 80
"""Characters of an execution's name (docs.aws.amazon.com/step-functions, StartExecution)."""

UNDER_WAY = 202
"""What has been put onto a bus or started is under way: who does it reports when it is done."""


@frozen
class EndpointTarget:
    """The owner's endpoint, which is called as Standard Webhooks says: the id of the message is the
    request's. All of `secrets` sign, so that one can be rotated.
    """

    url: str
    caller: Caller
    secrets: Callable[[], Sequence[str]]

    def ask(self, request: InstanceRequest, body: bytes, at: datetime) -> CallAnswer:
        """The endpoint's answer. Raises Unavailable if the secret cannot be read."""
        try:
            keys = [key_of(secret) for secret in self.secrets()]
        except ValueError:
            return CallAnswer(
                None, "Not called: the secret instance-secret is not whsec_ and base64."
            )
        signed = signed_headers(request.id, body, keys, at)
        headers = {"Content-Type": "application/json", **signed}
        return self.caller.post(self.url, headers, body)


@frozen
class BusTarget:
    """An event bus of the owner's. Only the owner's AWS account can put events there under
    Billhook's source, so nothing is signed.
    """

    name: str
    bus: Bus

    def ask(self, request: InstanceRequest, body: bytes, at: datetime) -> CallAnswer:
        """202 once the event is on the bus."""
        (answer,) = self.bus.put(
            [
                {
                    "Source": SOURCE,
                    "DetailType": REQUESTED,
                    "Detail": body.decode(),
                    "EventBusName": self.name,
                    "Time": iso_time(at) or "",
                }
            ]
        )
        return CallAnswer(UNDER_WAY) if answer.succeeded else answer


@frozen
class MachineTarget:
    """A state machine of the owner's. A call that is repeated because its answer was lost starts
    nothing anew, by the execution's name.
    """

    arn: str
    machines: StateMachines

    def ask(self, request: InstanceRequest, body: bytes, at: datetime) -> CallAnswer:
        """202 once an execution runs."""
        answer = self.machines.start(self.arn, _execution_name(request), body.decode())
        return CallAnswer(UNDER_WAY) if answer.succeeded else answer


def _execution_name(request: InstanceRequest) -> str:
    again = "-again" if request.accepted_at else ""
    name = f"{request.id}-{request.calls_before}{again}".replace(".", "_")
    if len(name) <= LONGEST_NAME:
        return name
    return f"{hashlib.sha256(request.id.encode()).hexdigest()}-{request.calls_before}{again}"
