"""How the stage does: what AWS counts of its functions, its API, its queues and its mail.

A statistic costs a cent for a thousand (aws.amazon.com/cloudwatch/pricing). So what is 0 for the
whole AWS account is not read function by function, and the age of an empty queue is not read.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.aws.queues import WorkQueue
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.schedule.watch.readings import Readings

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

HOUR = timedelta(hours=1)
WEEK_HOURS = 168

DELAY = timedelta(minutes=5)
"""After which CloudWatch has what happened."""

API_STAGE = "api"
"""API Gateway's stage, as .chalice/config.json names it."""

WEBHOOK_FUNCTION = "WebhookHandler"


class StageMetrics:
    """Reads the stack `stack`. `functions` and `queues` have the names of its functions by logical
    id, and the URLs of its queues by the condition that is about them; `dead_letters` is a URL.
    `cloudwatch` is boto3's client. `event_source` is Stripe's partner event source; empty if its
    events come by the webhook alone.
    """

    def __init__(
        self,
        stack: str,
        functions: Mapping[str, str],
        queues: Mapping[str, str],
        dead_letters: str,
        cloudwatch: Any,
        sqs: "SQSClient | None" = None,
        event_source: str = "",
    ) -> None:
        self._stack, self._functions, self._queues = stack, functions, queues
        self._dead_letters, self._sqs = dead_letters, sqs
        self._event_source = event_source
        self._cloudwatch = cloudwatch

    def read(self, now: datetime) -> Readings:
        """The readings of the last hour. Raises Unavailable."""
        until = now - DELAY
        answers_5xx = self._sum("AWS/ApiGateway", "5XXError", until, **self._api())
        return Readings(
            errors=self._by_function("Errors", until),
            throttles=self._by_function("Throttles", until),
            answers_5xx=answers_5xx,
            webhooks_refused=self._own("SignaturesRefused", until),
            webhooks_not_queued=self._own("WebhooksNotQueued", until) if answers_5xx else 0,
            waits={
                name: wait for name, url in self._queues.items() if (wait := self._wait(url, until))
            },
            dead_letters=WorkQueue(self._dead_letters, self._sqs).depth(),
            bounce_rate=self._rate("Reputation.BounceRate", until),
            complaint_rate=self._rate("Reputation.ComplaintRate", until),
            webhooks=self._webhooks(until),
            webhook_function=WEBHOOK_FUNCTION,
        )

    def _webhooks(self, until: datetime) -> tuple[float, ...]:
        """The webhooks of each hour, with the events that came over EventBridge."""
        ways = []
        if function := self._functions.get(WEBHOOK_FUNCTION):
            ways.append(self._hours("AWS/Lambda", "Invocations", until, FunctionName=function))
        if source := self._event_source:
            ways.append(self._hours("AWS/Events", "Events", until, EventSourceName=source))
        return tuple(map(sum, zip(*ways, strict=True)))

    def _by_function(self, metric: str, until: datetime) -> dict[str, float]:
        """Of the whole AWS account first, which is Lambda's metric without a dimension."""
        if not self._sum("AWS/Lambda", metric, until):
            return {}
        found = {
            id: self._sum("AWS/Lambda", metric, until, FunctionName=name)
            for id, name in self._functions.items()
        }
        return {id: number for id, number in found.items() if number}

    def _api(self) -> dict[str, str]:
        return {"ApiName": self._stack, "Stage": API_STAGE}

    def _own(self, metric: str, until: datetime) -> float:
        return self._sum("Billhook", metric, until, service=self._stack)

    def oldest(self, url: str, now: datetime) -> timedelta | None:
        """For how long the oldest message of a queue waits, by AWS's last count of a quarter of an
        hour; None if it counted nothing. Raises Unavailable.
        """
        name, metric = url.rpartition("/")[2], "ApproximateAgeOfOldestMessage"
        points = self._points("AWS/SQS", metric, "Maximum", now, DELAY, 3, QueueName=name)
        return timedelta(seconds=points[max(points)]) if points else None

    def _wait(self, url: str, until: datetime) -> timedelta | None:
        """For how long the oldest message waits; None if the queue looks empty."""
        if not WorkQueue(url, self._sqs).depth(in_work=True):
            return None
        name = url.rpartition("/")[2]
        points = self._points(
            "AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum", until, HOUR, 1, QueueName=name
        )
        return timedelta(seconds=max(points.values(), default=0))

    def _rate(self, metric: str, until: datetime) -> float:
        points = self._points("AWS/SES", metric, "Maximum", until, HOUR, 1)
        return max(points.values(), default=0)

    def _sum(self, namespace: str, metric: str, until: datetime, **dimensions: str) -> float:
        return sum(
            self._points(namespace, metric, "Sum", until, HOUR, 1, **dimensions).values(), 0.0
        )

    def _hours(
        self, namespace: str, metric: str, until: datetime, **dimensions: str
    ) -> tuple[float, ...]:
        points = self._points(namespace, metric, "Sum", until, HOUR, WEEK_HOURS, **dimensions)
        begins = until - WEEK_HOURS * HOUR
        hours = [0.0] * WEEK_HOURS
        for at, number in points.items():
            place = int((at - begins) / HOUR)
            hours[min(max(place, 0), WEEK_HOURS - 1)] += number
        return tuple(hours)

    def _points(
        self,
        namespace: str,
        metric: str,
        statistic: str,
        until: datetime,
        period: timedelta,
        periods: int,
        **dimensions: str,
    ) -> dict[datetime, float]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._cloudwatch.get_metric_statistics(
                Namespace=namespace,
                MetricName=metric,
                Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
                StartTime=until - periods * period,
                EndTime=until,
                Period=int(period.total_seconds()),
                Statistics=[statistic],
            )
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"CloudWatch does not tell of {metric}.") from error
        return {point["Timestamp"]: float(point[statistic]) for point in answer["Datapoints"]}
