"""The provisioners that are no endpoint: an event bus and a state machine."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.events.state_machines import Executions
from chalicelib.domain.account.parts.instance import InstanceRequest
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.outgoing.bus import BusEntry
from chalicelib.usecases.instances.targets import BusTarget, EndpointTarget, MachineTarget
from tests.unit.usecases.instances.owner import HOUR, Owner

NOW = Owner().place.now.at
REQUEST = InstanceRequest("acc_1.0.2.create", "create", NOW, NOW + HOUR)
BODY = b'{"action": "create"}'
ARN = "arn:aws:states:eu-west-1:123456789012:stateMachine:make-instance"


@dataclass
class Bus:
    answer: CallAnswer
    entries: list[BusEntry] = field(default_factory=list)

    def put(self, entries: Sequence[BusEntry]) -> list[CallAnswer]:
        self.entries += entries
        return [self.answer for _ in entries]


def test_a_bus_gets_an_event_and_the_request_is_under_way() -> None:
    bus = Bus(CallAnswer(200))
    assert BusTarget("billing", bus).ask(REQUEST, BODY, NOW).code == 202
    assert bus.entries == [
        {
            "Source": "billhook",
            "DetailType": "instance.requested",
            "Detail": BODY.decode(),
            "EventBusName": "billing",
            "Time": "2026-03-02T09:00:00Z",
        }
    ]
    refused = CallAnswer(None, "EventBridge: ThrottlingException.")
    assert BusTarget("billing", Bus(refused)).ask(REQUEST, BODY, NOW) == refused


@dataclass
class StepFunctions:
    error: str | None = None
    started: list[dict[str, Any]] = field(default_factory=list)

    def start_execution(self, **parameters: Any) -> Any:
        self.started.append(parameters)
        if self.error:
            raise ClientError({"Error": {"Code": self.error}}, "StartExecution")
        return {"executionArn": "…"}


def ask(client: StepFunctions, request: InstanceRequest = REQUEST) -> CallAnswer:
    machines: Any = Executions(client)  # type: ignore[arg-type]
    return MachineTarget(ARN, machines).ask(request, BODY, NOW)


def test_a_state_machine_is_started_once_for_a_request() -> None:
    client = StepFunctions()
    assert ask(client).code == 202
    assert json.loads(client.started[0]["input"]) == {"action": "create"}
    assert client.started[0]["stateMachineArn"] == ARN
    ask(client, replace(REQUEST, calls=1))
    assert client.started[1]["name"] == client.started[0]["name"], "a repeat starts nothing"
    ask(client, replace(REQUEST, calls=2, accepted_at=NOW))
    ask(client, replace(REQUEST, calls=3, calls_before=3))
    assert len({one["name"] for one in client.started}) == 3, "asked again half-way, and retried"


def test_a_long_id_still_makes_a_name_that_step_functions_take() -> None:
    client = StepFunctions()
    ask(client, replace(REQUEST, id=f"{'a' * 64}.0.12345.suspend"))
    assert len(client.started[0]["name"]) <= 80


@pytest.mark.parametrize(
    ("error", "code"), [("ExecutionAlreadyExists", 202), ("StateMachineDoesNotExist", None)]
)
def test_what_step_functions_refuse_is_a_failure_unless_it_ran_before(
    error: str, code: int | None
) -> None:
    assert ask(StepFunctions(error)).code == code


def test_an_endpoint_is_not_called_without_a_secret_that_signs() -> None:
    caller: Any = None
    answer = EndpointTarget("https://x.example", caller, lambda: ["no base64!"]).ask(
        REQUEST, BODY, NOW
    )
    assert answer.code is None
    assert "instance-secret" in (answer.failure or "")
