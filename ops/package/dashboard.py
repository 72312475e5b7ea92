"""The dashboard of a stage: graphs as rows of data, from incoming requests at the top to failures
at the bottom.
"""

import json

from ops.package.metrics import Metric, api, function, ours, queue
from ops.package.template import WEBHOOK_FUNCTION, Template

A_ROW, WIDTH, HEIGHT = 3, 8, 6
"""Graphs in a row, and the size of each: CloudWatch's dashboards are 24 units wide."""

GRAPHS: tuple[tuple[str, tuple[Metric, ...]], ...] = (
    (
        "Webhooks",
        (
            ours("SignaturesRefused", "Sum"),
            function(WEBHOOK_FUNCTION, "Invocations"),
            function(WEBHOOK_FUNCTION, "Errors"),
        ),
    ),
    (
        "Events that failed",
        (ours("EventsDead", "Sum"), ours("EventsGivenBack", "Sum")),
    ),
    ("Conditions to tell", (ours("NeedsYou", "Sum"), ours("SweepsHeld", "Sum"))),
    (
        "Oldest message (s)",
        tuple(queue(id, "age") for id in ("EventsQueue", "ActQueue", "MailQueue")),
    ),
    (
        "Mails",
        tuple(
            ours(f"Mails{outcome}", "Sum")
            for outcome in ("Sent", "Passed", "Refused", "Unclear", "Broken", "Waiting")
        ),
    ),
    (
        "Signups",
        (
            ours("Signups", "Sum"),
            ours("SignupsKnown", "Sum"),
            ours("SignupsRefused", "Sum"),
            ours("SignupsOverCeiling", "Sum"),
        ),
    ),
    (
        "Calls that Stripe refuses or leaves",
        (
            ours("AsksUnanswered", "Sum"),
            ours("AsksRefused", "Sum"),
            ours("ErrandsRefused", "Sum"),
        ),
    ),
    ("Answers over HTTP (ms)", (api("Latency", "p50"), api("Latency", "p99"))),
    (
        "Never should be",
        (
            queue("DeadLettersQueue", "visible"),
            ours("AccountsStale", "Sum"),
            ours("AccountsDead", "Sum"),
            ours("UnknownPrices", "Sum"),
        ),
    ),
)
"""(title, lines). The last graph, the functions' errors, has a line for each function."""


def dashboard(functions: list[str]) -> Template:
    """The dashboard as a resource, for stages that ask for it."""
    graphs = (*GRAPHS, ("Functions that fail", tuple(function(id, "Errors") for id in functions)))
    body = json.dumps({"widgets": [_widget(place, *graph) for place, graph in enumerate(graphs)]})
    return {
        "Type": "AWS::CloudWatch::Dashboard",
        "Condition": "HasDashboard",
        "Properties": {
            "DashboardName": {"Ref": "AWS::StackName"},
            "DashboardBody": {"Fn::Sub": body},
        },
    }


def _widget(place: int, title: str, lines: tuple[Metric, ...]) -> Template:
    down, across = divmod(place, A_ROW)
    return {
        "type": "metric",
        "x": across * WIDTH,
        "y": down * HEIGHT,
        "width": WIDTH,
        "height": HEIGHT,
        "properties": {
            "title": title,
            "region": "${AWS::Region}",
            "period": 300,
            "metrics": [line.on_a_dashboard() for line in lines],
        },
    }
