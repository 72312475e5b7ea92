"""Who may put events onto the owner's event bus: the function that delivers, if there is a bus."""

from typing import Any

import pytest

from ops.package.template import _document

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
