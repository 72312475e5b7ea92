"""What the doctor says of webhook endpoints and of the owner's event bus."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.events.webhooks import EndpointList
from chalicelib.domain.policy.policy import BusPolicy, Policy, SlackPolicy
from chalicelib.domain.webhooks.endpoint import Endpoint, Secret, after_failure
from ops.doctor.event_receivers import (
    check_bus,
    check_endpoints,
    judge_delivery,
    judge_endpoint,
    judge_permission,
)
from ops.doctor.examination import CHECKS, Check, examine
from ops.doctor.findings import Finding
from ops.doctor.secrets import check_secrets
from ops.doctor.site import Site
from tests.adapters.aws.conftest import TABLE
from tests.fakes.services import QUIET
from tests.tooling.ops.conftest import Deployed, T

URL = "https://app.example.com/hooks?token=a-token-that-nobody-may-print"
ENDPOINT = Endpoint("we_1", URL, T, (Secret("a"),))
FAILING = after_failure(ENDPOINT, "e1", 500, T)


def judged(endpoint: Endpoint, failure: str | None = None) -> Finding:
    return judge_endpoint(endpoint, "dev", lambda url: failure)


def test_an_endpoint_that_can_be_reached_is_fine() -> None:
    assert judged(ENDPOINT).state == "ok"


@pytest.mark.parametrize(
    ("endpoint", "failure", "says", "cure"),
    [
        (after_failure(ENDPOINT, "e1", 410, T), None, "is disabled", "webhooks enable we_1"),
        (
            after_failure(after_failure(FAILING, "e2", 500, T), "e3", 500, T + timedelta(days=5)),
            None,
            "five days",
            "webhooks enable we_1",
        ),
        (FAILING, None, "has failed since 2026-03-02 09:00", "webhooks deliveries we_1"),
        (ENDPOINT, "No answer: the host has no address.", "no address", "webhooks test we_1"),
    ],
)
def test_a_disabled_failing_or_unreachable_endpoint_is_wrong(
    endpoint: Endpoint, failure: str | None, says: str, cure: str
) -> None:
    finding = judged(endpoint, failure)
    assert finding.state == "wrong"
    assert says in finding.says
    assert cure in finding.cure
    assert "a-token-that-nobody-may-print" not in str(finding)


@pytest.mark.parametrize(
    ("endpoints", "channels", "sent", "state"),
    [
        (0, False, False, "ok"),
        (2, False, True, "ok"),
        (1, False, False, "wrong"),
        (0, True, False, "wrong"),
    ],
)
def test_a_stage_that_delivers_nothing_is_wrong_once_somebody_should_hear(
    endpoints: int, channels: bool, sent: bool, state: str
) -> None:
    assert judge_delivery(endpoints, channels, sent, "dev").state == state


def site(deployed: Deployed, policy: Policy = QUIET, session: Any = None) -> Site:
    made = Site("dev", session or boto3.Session())
    vars(made).update(stage=deployed.stage, policy=policy)
    return made


def test_the_endpoints_of_a_stage_are_read_from_its_table(deployed: Deployed) -> None:
    store = EndpointList(TABLE, deployed.dynamodb)
    store.save(store.load(), store.load().with_new(FAILING))
    assert [(one.subject, one.state) for one in check_endpoints(site(deployed))] == [
        ("outgoing events", "ok"),
        ("endpoint we_1", "wrong"),
    ]


def test_the_secret_of_slack_is_missed_only_if_billing_toml_has_slack(deployed: Deployed) -> None:
    with_slack = replace(QUIET, slack=SlackPolicy(("trial.started",)))
    for policy, missing in ((QUIET, False), (with_slack, True)):
        found = {one.subject: one.state for one in check_secrets(site(deployed, policy))}
        assert (found.get("secret slack-webhook-url") == "wrong") is missing


NAMED = replace(QUIET, bus=BusPolicy(name="billing"))


class Aws:
    """What AWS says of a bus, of the worker and of its role."""

    def __init__(self, decision: str | None = "allowed") -> None:
        self.decision = decision

    def client(self, service: str) -> Any:
        return SimpleNamespace(
            describe_event_bus=lambda Name: {
                "Arn": f"arn:aws:events:eu-central-1:1:event-bus/{Name}"
            },
            describe_stack_resource=self._resource,
            get_function_configuration=lambda FunctionName: {"Role": f"role of {FunctionName}"},
            simulate_principal_policy=self._decide,
        )

    def _resource(self, StackName: str, LogicalResourceId: str) -> Any:
        if self.decision is None:
            told = {"Code": "ValidationError", "Message": "Resource does not exist"}
            raise ClientError({"Error": told}, "DescribeStackResource")
        return {"StackResourceDetail": {"PhysicalResourceId": "worker"}}

    def _decide(self, PolicySourceArn: str, ActionNames: list[str], ResourceArns: list[str]) -> Any:
        assert (PolicySourceArn, ActionNames) == ("role of worker", ["events:PutEvents"])
        assert ResourceArns == ["arn:aws:events:eu-central-1:1:event-bus/billing"]
        return {"EvaluationResults": [{"EvalDecision": self.decision}]}


def test_a_bus_that_there_is_not_is_wrong_until_it_is_made(deployed: Deployed) -> None:
    (finding,) = check_bus(site(deployed, NAMED))
    assert finding.state == "wrong"
    assert "create-event-bus --name billing" in finding.cure
    boto3.client("events").create_event_bus(Name="billing")
    placed = site(deployed, NAMED)
    vars(placed)["stage"] = deployed.stage
    assert [one.state for one in examine(placed, [Check("event bus", check_bus)])] == ["unknown"]


@pytest.mark.parametrize(
    ("decision", "state"), [("allowed", "ok"), ("implicitDeny", "wrong"), (None, "unknown")]
)
def test_the_worker_must_be_allowed_to_put_events_onto_the_bus(
    deployed: Deployed, decision: str | None, state: str
) -> None:
    (finding,) = check_bus(site(deployed, NAMED, Aws(decision)))
    assert finding == judge_permission("billing", decision, "dev")
    assert finding.state == state


def test_without_a_bus_nothing_is_asked(deployed: Deployed) -> None:
    assert list(check_bus(site(deployed))) == []


def test_the_doctor_makes_both_checks() -> None:
    assert {check_endpoints, check_bus} <= {check.look for check in CHECKS}
