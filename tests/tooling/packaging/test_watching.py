"""The alarms of a stage, its conditions with their sections in the runbook, and nothing on by
default that costs much.
"""

import json
import re
from typing import Any

import pytest
import yaml

from chalicelib.aws.stage.metrics import API_STAGE, WEBHOOK_FUNCTION
from chalicelib.domain.schedule.watch.conditions import CONDITIONS, NOTICED, Condition
from ops.package.metrics import ours
from ops.package.template import Template
from ops.package.watching import sections, watched
from tests.fakes.packages import ROOT, Package

RUNBOOK = (ROOT / "docs" / "operations.md").read_text()
DAY = 86400


def of_type(package: Package, kind: str) -> dict[str, Template]:
    return {
        id: it["Properties"] for id, it in package.merged["Resources"].items() if it["Type"] == kind
    }


@pytest.fixture(scope="module")
def alarms(package: Package) -> dict[str, Template]:
    """All alarms of the template, by logical id."""
    return of_type(package, "AWS::CloudWatch::Alarm")


def test_every_condition_has_its_section_in_the_runbook_and_every_section_its_condition() -> None:
    written = re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE)
    assert sorted(written) == sorted(sections())


def row(name: str, condition: Condition) -> str:
    """The row of a condition in the runbook's table."""
    minutes = condition.mailed_within.total_seconds() / 60
    who = NOTICED[condition.noticed]
    if condition.metric and condition.noticed != "function":
        who = f"{NOTICED['function']}, 10 minutes; {who}"
    return f"| [{name}](#{name.lower()}) | {who} | {minutes:.0f} minutes | NeedsYou |"


def test_the_runbook_s_table_says_who_notices_each_condition_and_how_soon_it_is_mailed() -> None:
    """Each is told: tests/http/triggers/test_conditions.py, tests/unit/domain/schedule/watch."""
    begin = RUNBOOK.index("| condition | who notices it |")
    table = RUNBOOK[begin : RUNBOOK.index("\n\n", begin)].splitlines()[2:]
    clock = (
        "| [ClockStopped](#clockstopped) | CloudWatch, which gets no NeedsYou | 20 minutes |"
        " ClockStopped |"
    )
    assert table == [*(row(name, one) for name, one in CONDITIONS.items()), clock]


def test_two_alarms_on_one_metric_tell_of_everything(
    package: Package, alarms: dict[str, Template]
) -> None:
    """Each alarm costs ten cents a month, each metric thirty."""
    assert alarms.keys() == {"NeedsYou", "ClockStopped"}
    for id, alarm in alarms.items():
        assert (alarm["Namespace"], alarm["MetricName"]) == ("Billhook", "NeedsYou")
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}], id
        meaning, found, section = alarm["AlarmDescription"].partition(
            " What to do: docs/operations.md, "
        )
        assert meaning
        assert found
        assert re.search(rf"^##+ {section.removesuffix('.')}$", RUNBOOK, re.MULTILINE), id
    assert of_type(package, "AWS::CloudWatch::CompositeAlarm") == {}


def test_the_alarm_is_over_before_something_else_is_told(alarms: dict[str, Template]) -> None:
    alarm = alarms["NeedsYou"]
    assert (alarm["Statistic"], alarm["Threshold"], alarm["ComparisonOperator"]) == (
        "Sum",
        0,
        "GreaterThanThreshold",
    )
    assert (alarm["Period"], alarm["EvaluationPeriods"]) == (300, 1)
    assert "OKActions" not in alarm, "its end says nothing"


def test_no_sweep_that_ends_well_raises_an_alarm(alarms: dict[str, Template]) -> None:
    alarm = alarms["ClockStopped"]
    assert (alarm["Statistic"], alarm["Threshold"], alarm["ComparisonOperator"]) == (
        "SampleCount",
        1,
        "LessThanThreshold",
    )
    assert (alarm["TreatMissingData"], alarm["EvaluationPeriods"]) == ("breaching", 3)
    assert alarm["OKActions"] == alarm["AlarmActions"], "its end is mailed"


def test_every_function_but_the_watch_itself_is_watched_whichever_there_are(
    package: Package,
) -> None:
    variables = package.functions["WatchStage"]["Environment"]["Variables"]
    named = dict(pair.split("=") for pair in variables["FUNCTIONS"]["Fn::Sub"].split(","))
    assert named == {id: f"${{{id}}}" for id in package.functions if id != "WatchStage"}
    assert [id for id, fn in package.functions.items() if "FUNCTIONS" in str(fn)] == ["WatchStage"]


def test_the_watch_asks_for_the_functions_and_the_api_by_their_names(package: Package) -> None:
    assert WEBHOOK_FUNCTION in package.functions
    api = package.merged["Resources"]["RestAPI"]["Properties"]
    assert api["StageName"] == API_STAGE


def test_cloudwatch_accepts_the_period_of_each_alarm(alarms: dict[str, Template]) -> None:
    """A day where a period is shorter than an hour (PutMetricAlarm)."""
    for id, alarm in alarms.items():
        assert alarm["Period"] % 60 == 0
        assert alarm["DatapointsToAlarm"] <= alarm["EvaluationPeriods"]
        assert alarm["Period"] * alarm["EvaluationPeriods"] <= DAY, id


def test_stages_in_one_account_are_told_apart(
    package: Package, alarms: dict[str, Template]
) -> None:
    stack = {"Ref": "AWS::StackName"}
    assert (
        package.merged["Globals"]["Function"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        == stack
    )
    assert not [
        id
        for id, fn in package.functions.items()
        if "POWERTOOLS_SERVICE_NAME" in fn["Environment"]["Variables"]
    ]
    assert (
        package.merged["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["info"]["title"]
        == stack
    )
    for id, alarm in alarms.items():
        assert "${AWS::StackName}" in json.dumps(alarm["Dimensions"]), id


def test_the_function_writes_its_metrics_under_the_stack(package: Package) -> None:
    written = package.run("""
import os
os.environ["POWERTOOLS_SERVICE_NAME"] = "billhook-test"
from chalicelib.runtime.telemetry import count, flush, measure
count("Bounces"), measure("NeedsYou", 0), flush()
""")
    blob = json.loads(written)
    assert (blob["service"], blob["Bounces"], blob["NeedsYou"]) == (
        "billhook-test",
        [1.0],
        [0.0],
    )
    [told] = blob["_aws"]["CloudWatchMetrics"]
    assert (told["Namespace"], told["Dimensions"]) == (
        ours("Bounces", "Sum").namespace,
        [["service"]],
    )


def test_no_key_of_ours_is_paid_for(package: Package) -> None:
    """A dollar a month. What holds addresses goes by EventBridge, which encrypts by itself; the one
    topic has alarms, which hold none.
    """
    assert of_type(package, "AWS::SNS::Topic").keys() == {"AlarmTopic"}
    assert of_type(package, "AWS::KMS::Key") == {}


def test_a_stage_without_settings_has_nothing_that_costs_by_being_there(package: Package) -> None:
    parameters = package.merged["Parameters"]
    assert {name: it["Default"] for name, it in parameters.items()} == {
        "AlarmEmail": "",
        "CertificateArn": "",
        "DomainName": "",
        "Firewall": "false",
        "NightlyExport": "false",
        "SetApiGatewayLogRole": "true",
        "ShowDashboard": "false",
        "StripeEventSource": "",
        "Traces": "false",
        "WebhookConcurrency": 0,
        "Webhooks": "false",
        "WorkerConcurrency": 0,
    }
    conditional = {
        id: it["Condition"] for id, it in package.merged["Resources"].items() if "Condition" in it
    }
    assert {
        id: condition
        for id, condition in conditional.items()
        if condition != "SetsApiGatewayLogRole"
    } == {
        "AlarmMail": "HasAlarmEmail",
        "Dashboard": "HasDashboard",
        "Domain": "HasDomain",
        "DomainMapping": "HasDomain",
        "EventsPolicy": "HasStripeEventSource",
        "ExportBucket": "ExportsNightly",
        "ExportBucketPolicy": "ExportsNightly",
        "StripeEventBus": "HasStripeEventSource",
        "StripeEvents": "HasStripeEventSource",
        "WebAcl": "HasFirewall",
        "WebAclAssociation": "HasFirewall",
    }
    assert package.merged["Outputs"]["DomainUrl"]["Condition"] == "HasDomain"
    for setting in parameters:
        assert f"`{setting}`" in RUNBOOK, setting


def scopes(package: Package) -> list[Any]:
    """Of each of the firewall's rules, what it looks at."""
    rules = package.merged["Resources"]["WebAcl"]["Properties"]["Rules"]
    return [kind["ScopeDownStatement"] for rule in rules for kind in rule["Statement"].values()]


@pytest.mark.parametrize(
    ("path", "looked_at"),
    [
        ("/webhooks/stripe", False),
        ("/webhooks/intercom", False),
        ("/webhooks/segment", False),
        ("/accounts", False),
        ("/accounts/acc_1/access", False),
        ("/signups", True),
        ("/welcome/a-token", True),
        ("/unsubscribe/a-token", True),
        ("/accounts-of-somebody", True),
        ("/webhooks/stripe/more", True),
    ],
)
def test_the_firewall_looks_at_what_needs_neither_signature_nor_key(
    package: Package, path: str, looked_at: bool
) -> None:
    stage = package.merged["Resources"]["RestAPI"]["Properties"]["StageName"]
    for scope in scopes(package):
        left_out = scope["NotStatement"]["Statement"]["RegexMatchStatement"]
        assert left_out["FieldToMatch"] == {"UriPath": {}}
        for seen in (path, f"/{stage}{path}"):  # at a domain of its own, and at API Gateway's
            assert (re.search(left_out["RegexString"], seen) is None) is looked_at, seen


def test_every_rule_of_the_firewall_has_a_scope(package: Package) -> None:
    assert (
        len(scopes(package))
        == len(package.merged["Resources"]["WebAcl"]["Properties"]["Rules"])
        == 2
    )


def test_the_dashboard_shows_what_there_is_and_stays_free(package: Package) -> None:
    [board] = of_type(package, "AWS::CloudWatch::Dashboard").values()
    widgets = json.loads(board["DashboardBody"]["Fn::Sub"])["widgets"]
    assert len({(widget["x"], widget["y"]) for widget in widgets}) == len(widgets)
    assert all(widget["x"] + widget["width"] <= 24 for widget in widgets)
    lines = [line for widget in widgets for line in widget["properties"]["metrics"]]
    assert len(lines) <= 50, "a dashboard with more metrics costs from the first one on"
    for line in lines:
        assert line[0] != "Billhook" or ours(line[1], "Sum")


def test_a_metric_that_nobody_writes_is_not_watched() -> None:
    with pytest.raises(KeyError):
        ours("Unheard", "Sum")


def test_no_alarm_takes_a_resources_place() -> None:
    with pytest.raises(ValueError, match="NeedsYou"):
        watched({"Resources": {"NeedsYou": {"Type": "AWS::SQS::Queue"}}})


def test_every_exception_from_checkov_has_its_reason() -> None:
    text = (ROOT / ".checkov.yaml").read_text()
    reasons = dict(re.findall(r"^  - (CKV\w+) +# (.+\.)$", text, re.MULTILINE))
    assert list(reasons) == yaml.safe_load(text)["skip-check"]
