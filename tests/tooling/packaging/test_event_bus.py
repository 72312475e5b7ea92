"""What the template makes of Stripe's partner event source."""

import json
import re
from typing import Any

import pytest

from local.aws.template import load
from tests.fakes.services import ROOT

OWN = load(ROOT / ".chalice" / "resources.yaml")
NAMED = "HasStripeEventSource"


def properties(id: str) -> Any:
    resource = OWN["Resources"][id]
    assert resource["Condition"] == NAMED
    return resource["Properties"]


def allowed_by(id: str, queue: str) -> list[Any]:
    """The statements by which EventBridge may send to a queue."""
    policy = OWN["Resources"][id]["Properties"]
    assert policy["Queues"] == [{"Ref": queue}]
    statements = [
        one["Fn::If"][1] if "Fn::If" in one else one
        for one in policy["PolicyDocument"]["Statement"]
    ]
    return [one for one in statements if one["Principal"] == {"Service": "events.amazonaws.com"}]


def test_a_stage_without_the_setting_has_no_bus_and_no_rule() -> None:
    assert OWN["Parameters"]["StripeEventSource"]["Default"] == ""
    assert OWN["Conditions"][NAMED] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "StripeEventSource"}, ""]}]
    }
    for id in ("StripeEventBus", "StripeEvents", "EventsPolicy"):
        properties(id)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("", True),
        ("aws.partner/stripe.com/ed_test_61Sx9", True),
        ("aws.partner/auth0.com/ed_1", False),
        ("default", False),
        ("aws.partner/stripe.com/ed_1/*", False),
    ],
)
def test_the_setting_takes_a_source_of_stripes_only(name: str, is_one: bool) -> None:
    pattern = OWN["Parameters"]["StripeEventSource"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, name)) is is_one


def test_the_bus_has_the_name_of_the_source_which_associates_it() -> None:
    source = {"Ref": "StripeEventSource"}
    assert properties("StripeEventBus") == {"Name": source, "EventSourceName": source}


def test_the_rule_puts_that_source_s_events_into_the_queue_that_the_webhook_fills() -> None:
    rule = properties("StripeEvents")
    assert rule["EventBusName"] == {"Ref": "StripeEventBus"}
    assert rule["EventPattern"] == {"source": [{"Ref": "StripeEventSource"}]}
    (target,) = rule["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": ["EventsQueue", "Arn"]}
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["DeadLettersQueue", "Arn"]}}
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    assert not target.keys() & {"Input", "InputPath", "InputTransformer"}


@pytest.mark.parametrize(
    ("policy", "queue"),
    [("EventsPolicy", "EventsQueue"), ("DeadLettersPolicy", "DeadLettersQueue")],
)
def test_the_queues_take_messages_of_that_rule_and_no_other(policy: str, queue: str) -> None:
    (statement,) = [one for one in allowed_by(policy, queue) if "StripeEvents" in json.dumps(one)]
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Resource"] == {"Fn::GetAtt": [queue, "Arn"]}
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["StripeEvents", "Arn"]}}
    }


def test_no_queue_has_two_policies_of_which_one_would_replace_the_other() -> None:
    queues = [
        json.dumps(queue)
        for resource in OWN["Resources"].values()
        if resource.get("Type") == "AWS::SQS::QueuePolicy"
        for queue in resource["Properties"]["Queues"]
    ]
    assert len(queues) == len(set(queues))
