"""What is read of CloudWatch and the queues, and how much of it."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.stage.metrics import StageMetrics
from chalicelib.domain.errors import Unavailable

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
FUNCTIONS = {"WebhookHandler": "b-WebhookHandler-1", "SweepDue": "b-SweepDue-2"}
QUIET_CALLS = 7


@dataclass
class CloudWatch:
    """Answers with the sums, maxima or hours it was given, by metric and function."""

    numbers: dict[tuple[str, str], float] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def get_metric_statistics(self, **asked: Any) -> Any:
        self.asked.append(asked)
        about = asked["Dimensions"][0]["Value"] if asked["Dimensions"] else ""
        number = self.numbers.get((asked["MetricName"], about))
        [statistic] = asked["Statistics"]
        last = asked["EndTime"] - timedelta(seconds=asked["Period"])
        points = [] if number is None else [{"Timestamp": last, statistic: number}]
        return {"Datapoints": points}


@pytest.fixture
def queues(aws: None) -> dict[str, str]:
    sqs = boto3.client("sqs")
    return {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("events", "dead")}


def reader(queues: dict[str, str], cloudwatch: Any, event_source: str = "") -> StageMetrics:
    waits = {"EventsWaitLong": queues["events"]}
    sqs = boto3.client("sqs")
    return StageMetrics(
        "billhook-x", FUNCTIONS, waits, queues["dead"], cloudwatch, sqs, event_source
    )


def test_a_quiet_stage_costs_seven_statistics_an_hour(queues: dict[str, str]) -> None:
    cloudwatch = CloudWatch()
    read = reader(queues, cloudwatch).read(NOW)
    assert len(cloudwatch.asked) == QUIET_CALLS
    assert (read.errors, read.throttles, read.waits, read.dead_letters) == ({}, {}, {}, 0)
    assert read.webhooks == (0.0,) * 168


def test_failures_are_read_function_by_function_once_the_aws_account_has_any(
    queues: dict[str, str],
) -> None:
    numbers = {("Errors", ""): 9.0, ("Errors", "b-SweepDue-2"): 4.0}
    read = reader(queues, CloudWatch(numbers)).read(NOW)
    assert read.errors == {"SweepDue": 4.0}, "the others are of another stack"
    assert read.throttles == {}


def test_all_readings_are_those_of_this_stack(queues: dict[str, str]) -> None:
    cloudwatch = CloudWatch(
        {
            ("5XXError", "billhook-x"): 3.0,
            ("SignaturesRefused", "billhook-x"): 6.0,
            ("WebhooksNotQueued", "billhook-x"): 2.0,
            ("Reputation.BounceRate", ""): 0.02,
            ("Reputation.ComplaintRate", ""): 0.001,
            ("Invocations", "b-WebhookHandler-1"): 5.0,
        }
    )
    read = reader(queues, cloudwatch).read(NOW)
    assert (read.answers_5xx, read.webhooks_refused, read.webhooks_not_queued) == (3, 6, 2)
    assert (read.bounce_rate, read.complaint_rate) == (0.02, 0.001)
    assert read.webhooks == (*(0.0,) * 167, 5.0), "the newest hour is the last"
    namespaces = Counter(asked["Namespace"] for asked in cloudwatch.asked)
    assert namespaces == {"AWS/Lambda": 3, "AWS/ApiGateway": 1, "Billhook": 2, "AWS/SES": 2}


def test_the_age_of_a_message_is_read_once_a_queue_is_not_empty(queues: dict[str, str]) -> None:
    sqs = boto3.client("sqs")
    sqs.send_message(QueueUrl=queues["events"], MessageBody="x")
    sqs.send_message(QueueUrl=queues["dead"], MessageBody="x")
    cloudwatch = CloudWatch({("ApproximateAgeOfOldestMessage", "events"): 1200.0})
    read = reader(queues, cloudwatch).read(NOW)
    assert read.waits == {"EventsWaitLong": timedelta(minutes=20)}
    assert read.dead_letters == 1
    sqs.receive_message(QueueUrl=queues["events"])
    assert reader(queues, cloudwatch).read(NOW).waits, "one that somebody works on counts too"


def test_what_cloudwatch_refuses_is_unavailable(queues: dict[str, str]) -> None:
    class Refusing:
        def get_metric_statistics(self, **asked: Any) -> Any:
            raise ClientError({"Error": {"Code": "Throttling"}}, "GetMetricStatistics")

    with pytest.raises(Unavailable):
        reader(queues, Refusing()).read(NOW)


def test_events_over_eventbridge_count_as_webhooks_do(queues: dict[str, str]) -> None:
    source = "aws.partner/stripe.com/ed_test_1"
    numbers = {("Invocations", "b-WebhookHandler-1"): 5.0, ("Events", source): 7.0}
    cloudwatch = CloudWatch(numbers)
    assert reader(queues, cloudwatch, source).read(NOW).webhooks[-1] == 12
    assert len(cloudwatch.asked) == QUIET_CALLS + 1
    assert cloudwatch.asked[-1]["Namespace"] == "AWS/Events"
    assert reader(queues, CloudWatch(numbers)).read(NOW).webhooks[-1] == 5


def test_the_oldest_message_is_that_of_the_last_count(queues: dict[str, str]) -> None:
    class Minutes(CloudWatch):
        def get_metric_statistics(self, **asked: Any) -> Any:
            self.asked.append(asked)
            points = [(NOW - timedelta(minutes=6), 40.0), (NOW - timedelta(minutes=11), 400.0)]
            return {"Datapoints": [{"Timestamp": at, "Maximum": age} for at, age in points]}

    cloudwatch = Minutes()
    assert reader(queues, cloudwatch).oldest(queues["events"], NOW) == timedelta(seconds=40)
    assert cloudwatch.asked[0]["Dimensions"] == [{"Name": "QueueName", "Value": "events"}]
    assert reader(queues, CloudWatch()).oldest(queues["events"], NOW) is None
