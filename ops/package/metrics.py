"""The metrics of alarms and dashboard, Billhook's and AWS's own, by their names in this stack."""

from dataclasses import dataclass
from typing import Any

from chalicelib.runtime.telemetry import METRICS

STACK = "${AWS::StackName}"
_QUEUE_METRICS = {
    "age": ("ApproximateAgeOfOldestMessage", "Maximum"),
    "visible": ("ApproximateNumberOfMessagesVisible", "Maximum"),
}


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric with a statistic. Values of `dimensions` are for Fn::Sub, since names are known
    only once the stack exists.
    """

    namespace: str
    name: str
    statistic: str
    dimensions: tuple[tuple[str, str], ...] = ()

    def in_an_alarm(self) -> dict[str, Any]:
        """As a property of an alarm."""
        return {
            "Namespace": self.namespace,
            "MetricName": self.name,
            "Statistic": self.statistic,
            "Dimensions": [
                {"Name": name, "Value": {"Fn::Sub": value} if "${" in value else value}
                for name, value in self.dimensions
            ],
        }

    def on_a_dashboard(self) -> list[Any]:
        """As a line of a graph, in a text for Fn::Sub."""
        named = [part for dimension in self.dimensions for part in dimension]
        return [self.namespace, self.name, *named, {"stat": self.statistic}]


def ours(name: str, statistic: str) -> Metric:
    """A metric of telemetry.METRICS. Raises KeyError for another."""
    if name not in METRICS:
        raise KeyError(name)
    return Metric("Billhook", name, statistic, (("service", STACK),))


def queue(id: str, what: str) -> Metric:
    """The `age` in seconds of a queue's oldest message, or how many are `visible`."""
    name, statistic = _QUEUE_METRICS[what]
    return Metric("AWS/SQS", name, statistic, (("QueueName", f"${{{id}.QueueName}}"),))


def function(id: str, name: str, statistic: str = "Sum") -> Metric:
    """A metric of a function, counted by Lambda."""
    return Metric("AWS/Lambda", name, statistic, (("FunctionName", f"${{{id}}}"),))


def api(name: str, statistic: str) -> Metric:
    """A metric of the API as a whole, which is free; a route's own would cost."""
    dimensions = (("ApiName", STACK), ("Stage", "${RestAPI.Stage}"))
    return Metric("AWS/ApiGateway", name, statistic, dimensions)
