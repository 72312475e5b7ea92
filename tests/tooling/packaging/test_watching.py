"""The alarms of a stage: each with its section in the runbook, and nothing on by default that
costs much.
"""

import json
import re
from typing import Any

import pytest
import yaml

from ops.package.metrics import ours
from ops.package.template import Template
from ops.package.watching import ALARMS, FUNCTION_ALARMS, SILENT, Alarm, sections, watched
from tests.fakes.packages import ROOT, Package

RUNBOOK = (ROOT / "docs" / "operations.md").read_text()
HOUR, DAY = 3600, 86400


def of_type(package: Package, kind: str) -> dict[str, Template]:
    return {
        id: it["Properties"] for id, it in package.merged["Resources"].items() if it["Type"] == kind
    }


@pytest.fixture(scope="module")
def alarms(package: Package) -> dict[str, Template]:
    """All alarms of the template, by logical id."""
    return of_type(package, "AWS::CloudWatch::Alarm") | of_type(
        package, "AWS::CloudWatch::CompositeAlarm"
    )


def test_every_alarm_has_its_section_in_the_runbook_and_every_section_its_alarm() -> None:
    written = re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE)
    assert sorted(written) == sorted(sections())


def test_every_alarm_with_mail_says_what_it_means_and_where_to_read_on(
    alarms: dict[str, Template],
) -> None:
    told = {id: it for id, it in alarms.items() if "AlarmActions" in it}
    for id, alarm in told.items():
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}], id
        meaning, found, section = alarm["AlarmDescription"].partition(
            " What to do: docs/operations.md, "
        )
        assert meaning
        assert found
        assert section.removesuffix(".") in sections(), id
    assert alarms.keys() - told.keys() == {"WebhooksUsual", "WebhooksNone"}, (
        "what WebhooksSilent is made of"
    )


def test_every_function_is_watched_whichever_there_are(
    package: Package, alarms: dict[str, Template]
) -> None:
    watched_ones = {
        (it["MetricName"], it["Dimensions"][0]["Value"]["Fn::Sub"])
        for it in alarms.values()
        if it.get("Namespace") == "AWS/Lambda"
    }
    assert watched_ones == {
        (metric, f"${{{id}}}") for id in package.functions for metric in ("Errors", "Throttles")
    }
    assert FUNCTION_ALARMS == ("FunctionErrors", "FunctionThrottles")


def test_a_scheduled_job_that_always_fails_raises_its_alarm_however_rarely_it_runs(
    alarms: dict[str, Template],
) -> None:
    """Lambda tries it three times within minutes; a blip of one that runs each minute is a single
    error.
    """
    alarm = alarms["SweepDueErrors"]
    assert (
        alarm["Threshold"],
        alarm["Period"],
        alarm["EvaluationPeriods"],
        alarm["Statistic"],
    ) == (2, HOUR, 1, "Sum")
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"


def test_cloudwatch_accepts_the_period_of_each_alarm(alarms: dict[str, Template]) -> None:
    """A day where a period is shorter than an hour, else seven (PutMetricAlarm)."""
    for id, alarm in alarms.items():
        if "Period" in alarm:
            assert alarm["Period"] % 60 == 0
            assert alarm["DatapointsToAlarm"] <= alarm["EvaluationPeriods"]
            assert alarm["Period"] * alarm["EvaluationPeriods"] <= (
                DAY if alarm["Period"] < HOUR else 7 * DAY
            ), id


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
    whole_account = {"AWS/SES"}
    for id, alarm in alarms.items():
        if alarm.get("Namespace", "AWS/SES") not in whole_account:
            assert "${" in json.dumps(alarm["Dimensions"]), id


def test_the_function_writes_its_metrics_under_the_stack(package: Package) -> None:
    written = package.run("""
import os
os.environ["POWERTOOLS_SERVICE_NAME"] = "billhook-test"
from chalicelib.runtime.telemetry import count, flush, measure
count("EventsLearnt"), measure("DueOldest", 0), flush()
""")
    blob = json.loads(written)
    assert (blob["service"], blob["EventsLearnt"], blob["DueOldest"]) == (
        "billhook-test",
        [1.0],
        [0.0],
    )
    [told] = blob["_aws"]["CloudWatchMetrics"]
    assert (told["Namespace"], told["Dimensions"]) == (
        ours("EventsLearnt", "Sum").namespace,
        [["service"]],
    )


def in_alarm(name: str, hours: list[int | None]) -> bool:
    """What CloudWatch would say of one of our alarms after these hours (a metric's sums, None where
    nothing was counted), the newest last.
    """
    alarm: Alarm = next(one for one in ALARMS if one.name == name)
    assert alarm.period == HOUR
    seen = ([None] * alarm.out_of + hours)[-alarm.out_of :]
    breaching = [
        alarm.missing == "breaching"
        if value is None
        else value < alarm.limit
        if alarm.below
        else value > alarm.limit
        for value in seen
    ]
    return sum(breaching) >= alarm.of


def is_silent(hours: list[int | None]) -> bool:
    return in_alarm("WebhooksUsual", hours) and in_alarm("WebhooksNone", hours)


def test_a_day_without_webhooks_raises_an_alarm_only_where_they_usually_come(
    alarms: dict[str, Template],
) -> None:
    assert alarms[SILENT[0]]["AlarmRule"] == {
        "Fn::Sub": 'ALARM("${WebhooksUsual}") AND ALARM("${WebhooksNone}")'
    }
    new: list[int | None] = []
    quiet: list[int | None] = ([1] + [None] * 23) * 7
    busy: list[int | None] = ([3] * 8 + [None] * 16) * 7
    day: list[int | None] = [None] * 24
    assert not is_silent(new), "a new stage never had any"
    assert not is_silent(quiet + day), "one a day is too few to miss"
    assert not is_silent(busy), "its nights are quiet"
    assert is_silent(busy[:-16] + day)
    assert not is_silent(busy + [None] * 168), "and not for ever"


def test_a_schedule_that_does_not_run_raises_an_alarm(alarms: dict[str, Template]) -> None:
    assert (
        alarms["ClockworkBehind"]["MetricName"],
        alarms["ClockworkBehind"]["TreatMissingData"],
    ) == ("DueOldest", "breaching")


def test_the_topics_are_encrypted_with_a_key_that_lets_their_publishers_in(
    package: Package,
) -> None:
    topics = of_type(package, "AWS::SNS::Topic")
    assert topics.keys() == {"AlarmTopic", "FeedbackTopic"}
    for topic in topics.values():
        assert topic["KmsMasterKeyId"] == {"Fn::GetAtt": ["TopicsKey", "Arn"]}
    policy = package.merged["Resources"]["TopicsKey"]["Properties"]["KeyPolicy"]["Statement"]
    [publishers] = [one for one in policy if "Service" in one["Principal"]]
    assert publishers["Principal"]["Service"] == ["cloudwatch.amazonaws.com", "ses.amazonaws.com"]
    assert publishers["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]


def test_a_stage_without_settings_has_nothing_that_costs_by_being_there(package: Package) -> None:
    parameters = package.merged["Parameters"]
    assert {name: it["Default"] for name, it in parameters.items()} == {
        "AlarmEmail": "",
        "CertificateArn": "",
        "DomainName": "",
        "Firewall": "false",
        "SetApiGatewayLogRole": "true",
        "ShowDashboard": "false",
        "StripeEventSource": "",
        "Traces": "false",
        "WebhookConcurrency": 0,
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
    with pytest.raises(ValueError, match="DeadLetters"):
        watched({"Resources": {"DeadLetters": {"Type": "AWS::SQS::Queue"}}})


def test_every_exception_from_checkov_has_its_reason() -> None:
    text = (ROOT / ".checkov.yaml").read_text()
    reasons = dict(re.findall(r"^  - (CKV\w+) +# (.+\.)$", text, re.MULTILINE))
    assert list(reasons) == yaml.safe_load(text)["skip-check"]
