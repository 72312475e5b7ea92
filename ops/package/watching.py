"""The alarms of a stage, each a row that says what it means, as CloudFormation resources.

Conditions that need a person have no alarm each, since an alarm costs ten cents a month: Billhook
counts them to one metric, see chalicelib/domain/schedule/watch.
"""

import copy
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.schedule.watch.conditions import CONDITIONS
from ops.package.dashboard import dashboard
from ops.package.metrics import Metric, ours
from ops.package.template import Template

RUNBOOK = "docs/operations.md"
MINUTE = 60
WATCH_FUNCTION = "WatchStage"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm: `metric` above `limit` in each of the last `periods` of so many seconds. `means`
    comes first in its mail; the runbook's section `section` says what to do.

    `lasting` is true for an alarm about a state, whose end is mailed too, and false for one about
    an occurrence. `below` reverses the comparison; `missing` is how CloudWatch judges no data.
    """

    name: str
    means: str
    section: str
    metric: Metric
    limit: float
    period: int = 5 * MINUTE
    periods: int = 1
    lasting: bool = True
    below: bool = False
    missing: str = "notBreaching"


ALARMS = (
    # The sweep tells of what is open at most each quarter of an hour, so this alarm is over before
    # the next telling, and goes off again for it.
    Alarm(
        "NeedsYou",
        "Something needs a person. python -m ops conditions says what.",
        "Alarms",
        ours("NeedsYou", "Sum"),
        0,
        lasting=False,
    ),
    # Each sweep that ends well writes the metric, 0 too. So this tells of a schedule that is off, a
    # sweep that fails, a log that takes no metrics, and of the alarm above, which could not go off.
    Alarm(
        "ClockStopped",
        "No sweep has ended well for 15 minutes: due work waits, and no other alarm would come.",
        "ClockStopped",
        ours("NeedsYou", "SampleCount"),
        1,
        periods=3,
        below=True,
        missing="breaching",
    ),
)


def watched(template: Template) -> Template:
    """The template with alarms and dashboard, and the names of all functions for the one that
    watches them.
    """
    made = copy.deepcopy(template)
    functions = [
        id for id, it in made["Resources"].items() if it["Type"] == "AWS::Serverless::Function"
    ]
    added = {alarm.name: _resource(alarm) for alarm in ALARMS}
    added["Dashboard"] = dashboard(functions)
    if taken := added.keys() & made["Resources"].keys():
        raise ValueError(f"An alarm is named like a resource: {sorted(taken)}.")
    made["Resources"] |= added
    if WATCH_FUNCTION in functions:
        _name_functions(made["Resources"][WATCH_FUNCTION], functions)
    return made


def sections() -> list[str]:
    """The runbook's sections, one for each condition, and for the clock that tells of them."""
    return [*CONDITIONS, "ClockStopped"]


def _name_functions(watch: Template, functions: list[str]) -> None:
    """A function cannot refer to itself; that it fails is noticed by the sweep."""
    names = ",".join(f"{id}=${{{id}}}" for id in functions if id != WATCH_FUNCTION)
    environment = watch.setdefault("Properties", {}).setdefault("Environment", {})
    environment.setdefault("Variables", {})["FUNCTIONS"] = {"Fn::Sub": names}


def _resource(alarm: Alarm) -> Template:
    topic = [{"Ref": "AlarmTopic"}]
    actions: dict[str, Any] = {"AlarmActions": topic} | (
        {"OKActions": topic} if alarm.lasting else {}
    )
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": f"{alarm.means} What to do: {RUNBOOK}, {alarm.section}.",
            **alarm.metric.in_an_alarm(),
            "Period": alarm.period,
            "DatapointsToAlarm": alarm.periods,
            "EvaluationPeriods": alarm.periods,
            "Threshold": alarm.limit,
            "ComparisonOperator": "LessThanThreshold" if alarm.below else "GreaterThanThreshold",
            "TreatMissingData": alarm.missing,
            **actions,
        },
    }
