"""What an event bus or Slack in billing.toml changes in the template."""

from typing import Any

import pytest

from local.aws.template import load
from ops.package.template import _document, deliver_always
from tests.fakes.services import ROOT

ROWS = [
    {"resources": ["EventBus"], "actions": ["events:PutEvents"], "why": "events"},
    {"resources": ["BillingTable"], "actions": ["dynamodb:GetItem"], "why": "deliveries"},
]


def statements(bus: str | None) -> list[dict[str, Any]]:
    document = _document("DeliverEvents", {}, ROWS, (), bus)
    return [one for one in document["Statement"] if "events:PutEvents" in one["Action"]]


def test_without_a_bus_nobody_may_put_events() -> None:
    assert statements(None) == []


@pytest.mark.parametrize(
    ("bus", "resource"),
    [
        (
            "billing",
            {
                "Fn::Sub": "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}"
                ":event-bus/billing"
            },
        ),
        (
            "arn:aws:events:eu-central-1:123456789012:event-bus/billing",
            "arn:aws:events:eu-central-1:123456789012:event-bus/billing",
        ),
    ],
)
def test_with_a_bus_events_may_be_put_onto_that_one_alone(bus: str, resource: object) -> None:
    (statement,) = statements(bus)
    assert statement == {
        "Effect": "Allow",
        "Action": ["events:PutEvents"],
        "Resource": [resource],
    }


def test_the_state_machine_of_instances_may_be_started_and_no_other() -> None:
    rows = [{"resources": ["StateMachine"], "actions": ["states:StartExecution"], "why": "x"}]
    arn = "arn:aws:states:eu-west-1:123456789012:stateMachine:make-instance"
    for machine, resources in ((None, []), (arn, [[arn]])):
        document = _document("DeliverEvents", {}, rows, (), None, machine)
        found = [one for one in document["Statement"] if "states:StartExecution" in one["Action"]]
        assert [one["Resource"] for one in found] == resources


def test_with_a_bus_or_slack_deliveries_are_made_without_the_setting_for_endpoints() -> None:
    """Off, everything for the channels would wait for ever."""
    template = load(ROOT / ".chalice" / "resources.yaml")
    source = template["Resources"]["DeliverEvents"]["Properties"]["Events"][
        "DeliverEventsSqsEventSource"
    ]["Properties"]
    assert source["Enabled"] == {"Fn::If": ["SendsWebhooks", True, False]}
    deliver_always(template)
    assert source["Enabled"] is True
