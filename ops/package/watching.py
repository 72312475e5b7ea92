"""The alarms of a stage, each a row that says what it means, as CloudFormation resources."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ops.package.dashboard import dashboard
from ops.package.metrics import Metric, api, function, ours, queue, reputation
from ops.package.template import WEBHOOK_PATH, Template

RUNBOOK = "docs/operations.md"
MINUTE, HOUR = 60, 3600


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm: `metric` above `limit` in `of` of the last `out_of` periods of so many seconds.
    `means` comes first in its mail; the runbook's section `name` says what to do.

    `lasting` is true for an alarm about a state, whose end is mailed too, and false for one about
    an occurrence. `below` reverses the comparison; `missing` is how CloudWatch judges no data; an
    alarm that is not `told` is a part of a composite alarm.
    """

    name: str
    means: str
    metric: Metric
    limit: float
    period: int = 5 * MINUTE
    of: int = 1
    out_of: int = 1
    lasting: bool = True
    below: bool = False
    missing: str = "notBreaching"
    told: bool = True


def _again_and_again(name: str, means: str, metric: Metric) -> Alarm:
    """An alarm on what may fail once, because the caller tries again. It fires at three failures in
    an hour, as often as Lambda tries a scheduled job.
    """
    return Alarm(name, means, metric, 2, period=HOUR)


def _happened(metric: str, means: str, period: int = HOUR) -> Alarm:
    """An alarm, named like its metric, on something that should never happen. A second one within
    the period sends no mail.
    """
    return Alarm(metric, means, ours(metric, "Sum"), 0, period=period, lasting=False)


ALARMS = (
    Alarm(
        "DeadLetters",
        "A message lies in the dead-letter queue: no retry will help, somebody must look.",
        queue("DeadLettersQueue", "visible"),
        0,
    ),
    Alarm(
        "EventsWaitLong",
        "Stripe's events wait longer than 15 minutes in the queue.",
        queue("EventsQueue", "age"),
        15 * MINUTE,
    ),
    Alarm(
        "ActsWaitLong",
        "Due accounts wait longer than 15 minutes to be processed.",
        queue("ActQueue", "age"),
        15 * MINUTE,
    ),
    # A message that SES refuses for its pace comes again after six minutes; one that waits for the
    # next day's quota is what this is about.
    Alarm(
        "MailsWaitLong",
        "Mails wait longer than an hour to be sent.",
        queue("MailQueue", "age"),
        HOUR,
    ),
    # A scanner's few tries are no news. A wrong secret is: Stripe calls again within minutes, for
    # every event.
    Alarm(
        "WebhooksRefused",
        "Stripe's webhooks, or somebody's, are refused.",
        api("4XXError", "Sum", f"POST {WEBHOOK_PATH}"),
        4,
        period=HOUR,
    ),
    Alarm(
        "WebhooksFailing",
        "A webhook got no answer, or a 5xx.",
        api("5XXError", "Sum", f"POST {WEBHOOK_PATH}"),
        0,
    ),
    _again_and_again("CallsFailing", "Calls are answered with 5xx.", api("5XXError", "Sum")),
    # Of a stage with an event or two a day a silent day says nothing: hence the one about a busy
    # week, and WebhooksSilent about both.
    Alarm(
        "WebhooksUsual",
        "Webhooks came in 42 or more of the last 168 hours.",
        ours("WebhooksAccepted", "Sum"),
        0,
        HOUR,
        42,
        168,
        told=False,
    ),
    Alarm(
        "WebhooksNone",
        "No webhook came for a day.",
        ours("WebhooksAccepted", "Sum"),
        1,
        HOUR,
        24,
        24,
        below=True,
        missing="breaching",
        told=False,
    ),
    # Each sweep measures it, so without a sweep there is no data: a clockwork that stands still is
    # as bad as one that is behind.
    Alarm(
        "ClockworkBehind",
        "Due work waits longer than 15 minutes, or the sweep does not run.",
        ours("DueOldest", "Maximum"),
        15 * MINUTE,
        of=3,
        out_of=3,
        missing="breaching",
    ),
    _happened(
        "AccountsStale",
        "A paid period ended a week ago or more, and Stripe has not reported the next one: access"
        " was limited.",
    ),
    _happened(
        "AccountsDead",
        "Processing an account failed seven times in a row: Billhook stopped trying.",
    ),
    _happened(
        "SignupsOverCeiling",
        "More signups came today than billing.toml allows: everybody has to confirm the address"
        " first.",
        24 * HOUR,
    ),
    _happened(
        "SignupsOfOneDomain",
        "More than 20 addresses of one domain were signed up in a day.",
        24 * HOUR,
    ),
    _happened(
        "UnknownPrices",
        "A customer pays a price that billing.toml does not know, and has access without features.",
        24 * HOUR,
    ),
    _happened(
        "JoinsRefused",
        "A new customer at Stripe names an account that exists, without its proof, and got an"
        " account apart: join the two, or dismiss it.",
        24 * HOUR,
    ),
    _happened(
        "Disputes",
        "A customer disputes a payment: it must be answered in Stripe's dashboard, in time.",
        5 * MINUTE,
    ),
    _happened(
        "AsksRefused",
        "Stripe refuses a fetch: the API key is wrong, or lacks a read permission.",
        24 * HOUR,
    ),
    _happened(
        "ErrandsRefused",
        "Stripe refuses a pending operation, such as starting a trial or saving a card.",
        24 * HOUR,
    ),
    _happened(
        "ListsRefused",
        "Stripe refuses to list its events or subscriptions: lost events are not found.",
        24 * HOUR,
    ),
    _happened(
        "DriftsLeft",
        "The daily comparison found a difference from Stripe that remains.",
        24 * HOUR,
    ),
    _happened(
        "CreditUnpaid",
        "A customer has more credit at Stripe than they ever paid: the next invoices cost nothing.",
        24 * HOUR,
    ),
    _happened(
        "ComparisonsBroken", "An account could not be compared with Stripe, by a defect.", 24 * HOUR
    ),
    _happened(
        "MailsBroken", "A message could not be rendered: a broken template or a defect.", 24 * HOUR
    ),
    # SES looks into accounts above 5 % and 0.1 %, and stops them above 10 % and 0.5 %.
    Alarm(
        "BounceRate",
        "More than 4 % of this AWS account's mails bounce.",
        reputation("BounceRate"),
        0.04,
        period=HOUR,
    ),
    Alarm(
        "ComplaintRate",
        "More than 0.08 % of this AWS account's mails bring complaints.",
        reputation("ComplaintRate"),
        0.0008,
        period=HOUR,
    ),
)
"""Every alarm except those that each function has."""

SILENT = ("WebhooksSilent", "No webhook came for a day, after a week in which they came often.")
"""The composite alarm, made of two others."""

FUNCTION_ALARMS = ("FunctionErrors", "FunctionThrottles")
"""The alarms of each function. The runbook has one section for all functions."""


def watched(template: Template) -> Template:
    """The template with alarms and dashboard."""
    made = copy.deepcopy(template)
    functions = [
        id for id, it in made["Resources"].items() if it["Type"] == "AWS::Serverless::Function"
    ]
    added = {alarm.name: _resource(alarm, alarm.name) for alarm in ALARMS}
    added |= {alarm.name: _resource(alarm, section) for alarm, section in _of_functions(functions)}
    added[SILENT[0]] = _silent()
    added["Dashboard"] = dashboard(functions)
    if taken := added.keys() & made["Resources"].keys():
        raise ValueError(f"An alarm is named like a resource: {sorted(taken)}.")
    made["Resources"] |= added
    return made


def sections() -> list[str]:
    """The runbook's sections, one for each alarm that sends mail."""
    return [*(alarm.name for alarm in ALARMS if alarm.told), SILENT[0], *FUNCTION_ALARMS]


def _of_functions(functions: list[str]) -> Iterator[tuple[Alarm, str]]:
    """The alarms of each function, with their section."""
    errors, throttles = FUNCTION_ALARMS
    for id in functions:
        fails = _again_and_again(
            f"{id}Errors",
            f"{id} fails, runs out of time or memory, or cannot be loaded.",
            function(id, "Errors"),
        )
        waits = _again_and_again(
            f"{id}Throttles",
            f"{id} is not run: the concurrency is used up.",
            function(id, "Throttles"),
        )
        yield from ((fails, errors), (waits, throttles))


def _resource(alarm: Alarm, section: str) -> Template:
    topic = [{"Ref": "AlarmTopic"}]
    actions: dict[str, Any] = {"AlarmActions": topic} | (
        {"OKActions": topic} if alarm.lasting else {}
    )
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": _description(alarm.means, section),
            **alarm.metric.in_an_alarm(),
            "Period": alarm.period,
            "DatapointsToAlarm": alarm.of,
            "EvaluationPeriods": alarm.out_of,
            "Threshold": alarm.limit,
            "ComparisonOperator": "LessThanThreshold" if alarm.below else "GreaterThanThreshold",
            "TreatMissingData": alarm.missing,
            **(actions if alarm.told else {}),
        },
    }


def _silent() -> Template:
    name, means = SILENT
    topic = [{"Ref": "AlarmTopic"}]
    return {
        "Type": "AWS::CloudWatch::CompositeAlarm",
        "Properties": {
            "AlarmDescription": _description(means, name),
            "AlarmRule": {"Fn::Sub": 'ALARM("${WebhooksUsual}") AND ALARM("${WebhooksNone}")'},
            "AlarmActions": topic,
            "OKActions": topic,
        },
    }


def _description(means: str, section: str) -> str:
    return f"{means} What to do: {RUNBOOK}, {section}."
