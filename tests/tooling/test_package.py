"""The contract of what is deployed: what Chalice makes of the code and .chalice/resources.yaml must
be what the functions rely on.
"""

import importlib.util
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path

import pytest

from app import app
from bench import cold_start
from chalicelib.aws.items import account_item
from chalicelib.aws.mail.mailer import SENDERS_AT_ONCE
from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.languages import LANGUAGES
from chalicelib.domain.webhooks.endpoint import MOST
from chalicelib.entry.http.responses import (
    ALWAYS_SENT,
    HTTPS_ONLY,
    NO_CONTENT_OF_THE_GATEWAY,
)
from chalicelib.usecases.messaging.delivery_feedback import KINDS
from ops.package.build import build as build_package
from ops.package.build import this_machine
from ops.package.libraries import add_libraries
from ops.package.senders import identities
from tests.fakes.packages import ROOT, STAGE, Package, Template

AARCH64 = 183
"""The machine in the header of a library (ELF, e_machine) that runs on arm64."""


def as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def handlers(package: Package) -> dict[str, tuple[str, str]]:
    """The module and the name in it that Lambda calls, by function."""
    return {id: tuple(fn["Handler"].rsplit(".", 1)) for id, fn in package.functions.items()}


def test_the_functions_are_there(package: Package) -> None:
    assert {fn["Handler"] for fn in package.functions.values()} == {
        "app.app",
        "chalicelib.entry.http.webhook_app.app",
        "chalicelib.entry.triggers.ses_feedback.take_feedback",
        "chalicelib.entry.triggers.act_queue.act_on_accounts",
        "chalicelib.entry.triggers.deliveries_queue.deliver_events",
        "chalicelib.entry.triggers.mail_queue.send_mails",
        "chalicelib.entry.triggers.schedules.compare_with_stripe",
        "chalicelib.entry.triggers.schedules.export_nightly",
        "chalicelib.entry.triggers.schedules.fetch_events",
        "chalicelib.entry.triggers.schedules.sweep_due",
        "chalicelib.entry.triggers.schedules.watch_stage",
        "chalicelib.entry.triggers.events_queue.process_events",
        "chalicelib.entry.triggers.table_stream.carry_out",
    }


def test_every_handler_loads_with_nothing_but_the_package_and_what_lambda_ships(
    package: Package,
) -> None:
    for module, name in handlers(package).values():
        assert (
            package.run(
                f"import importlib; print(callable(importlib.import_module({module!r}).{name}))"
            ).strip()
            == "True"
        )


def test_event_functions_load_without_the_app(package: Package) -> None:
    for module, _ in handlers(package).values():
        if module != "app":
            assert package.run(f"import {module}; print('app' in sys.modules)").strip() == "False"


def test_a_cold_start_for_a_webhook_loads_less_than_an_empty_app_and_neither_stripe_nor_the_table(
    package: Package, tmp_path: Path
) -> None:
    found = [start for start in cold_start.starts(package, tmp_path) if start.first]
    seen = cold_start.measured(found, package.folder / "runtime", rounds=1)
    for name in (cold_start.WEBHOOK_APP, f"{cold_start.WEBHOOK_APP}, no bytecode"):
        assert seen[name].modules < seen[cold_start.YARDSTICK].modules
        assert "botocore.auth" in seen[name].then, "the client waits for the first call"
        assert not {
            "boto3",
            "botocore.client",
            "botocore.session",
            "aws_lambda_powertools.utilities.parameters",
            "stripe",
            "jinja2",
            "msgspec",
            "requests",
            "chalicelib.aws.dynamo",
            "chalicelib.aws.accounts",
        } & set(seen[name].then)


def test_every_module_has_bytecode_that_python_uses_without_a_check(package: Package) -> None:
    """/var/task is read-only: without it, or were it held against its source's time, every cold
    start would compile everything.
    """
    unchecked_hash = (0b01).to_bytes(4, "little")
    for source in (package.folder / "code").rglob("*.py"):
        compiled = Path(importlib.util.cache_from_source(str(source)))
        assert compiled.read_bytes()[4:8] == unchecked_hash, source


def test_the_same_checkout_gives_the_same_bytes(package: Package, tmp_path: Path) -> None:
    again = build_package(STAGE, tmp_path / "again", this_machine())
    assert again.archive.read_bytes() == package.archive.read_bytes()
    assert again.template == package.merged


def test_what_is_deployed_is_pure_python_or_made_for_arm64(tmp_path: Path) -> None:
    add_libraries(ROOT / "requirements.txt", "arm64", tmp_path)
    tags = [
        line.split()[1]
        for wheel in tmp_path.glob("*.dist-info/WHEEL")
        for line in wheel.read_text().splitlines()
        if line.startswith("Tag:")
    ]
    libraries = list(tmp_path.rglob("*.so"))
    assert len(list(tmp_path.glob("*.dist-info"))) > 10
    assert len(libraries) > 2
    assert [tag for tag in tags if not tag.endswith(("-any", "aarch64"))] == []
    machines = {path.name: int.from_bytes(path.read_bytes()[18:20], "little") for path in libraries}
    assert [name for name, machine in machines.items() if machine != AARCH64] == []


def test_the_package_has_only_what_the_functions_need(package: Package) -> None:
    """boto3 is Lambda's, and of Chalice only the router is needed: either would
    double the package."""
    held = {path.name for path in (package.folder / "code").iterdir()}
    assert held.isdisjoint({"boto3", "botocore", "click", "pip", "local", "ops", "tests"})
    assert {path.name for path in (package.folder / "code" / "chalice").glob("*.py")} == {
        "__init__.py",
        "app.py",
    }


def test_of_babel_s_languages_the_package_holds_those_that_texts_are_in(package: Package) -> None:
    """All of them are 31 MB, which is more than all else in the package."""
    data = package.folder / "code" / "babel" / "locale-data"
    assert {path.stem for path in data.glob("*.dat")} == {"root", *LANGUAGES}
    printed = package.run(
        "from chalicelib.localization.amounts import money\n"
        "from chalicelib.localization.dates import spoken_month\n"
        f"for language in {LANGUAGES!r}:\n"
        "    print(money(15250, 'kwd', language), spoken_month(2026, 3, language))"
    )
    assert printed.splitlines() == ["15.250 KWD March 2026", "15,250 KWD März 2026"]


def test_arm64_is_what_is_deployed() -> None:
    assert (
        json.loads((ROOT / ".chalice" / "config.json").read_text())["lambda_architecture"]
        == "arm64"
    )


def test_the_package_holds_what_requirements_pin_and_all_that_this_needs(package: Package) -> None:
    pinned = re.findall(r"^(\S+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    found = {
        (re.sub(r"[-_.]+", "-", it.name).lower(), it.version): it.requires or []
        for it in distributions(path=[str(package.folder / "code")])
    }
    assert found.keys() == set(pinned)
    needed = {
        re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", line)[0]).lower()
        for lines in found.values()
        for line in lines
        if ";" not in line
    }
    assert needed - {name for name, _ in pinned} == set()


def test_settings_of_every_function_come_from_the_template(package: Package) -> None:
    shared = package.merged["Globals"]["Function"]["Environment"]["Variables"]
    for fn in package.functions.values():
        variables = shared | fn["Environment"]["Variables"]
        assert variables.keys() >= {
            "STAGE",
            "LIVEMODE",
            "TABLE_NAME",
            "EVENTS_QUEUE_URL",
            "DEAD_LETTERS_QUEUE_URL",
            "PARAMETERS_PATH",
        }
        assert variables.keys() >= {"ACT_QUEUE_URL", "MAIL_QUEUE_URL", "CONFIGURATION_SET"}
        assert "DELIVERIES_QUEUE_URL" in variables


def test_only_prod_takes_live_events() -> None:
    stages = json.loads((ROOT / ".chalice" / "config.json").read_text())["stages"]
    assert {name: stage["environment_variables"]["LIVEMODE"] for name, stage in stages.items()} == {
        "dev": "false",
        "prod": "true",
    }


def test_failures_of_a_batch_are_reported_by_message(package: Package) -> None:
    """Without this Lambda ignores the failures that a function returns, and deletes
    those messages."""
    sources = [*package.sources("SQS"), *package.sources("DynamoDB")]
    assert len(sources) == 5
    for _, source in sources:
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_message_stays_invisible_while_it_is_processed(package: Package) -> None:
    for fn, source in package.sources("SQS"):
        queue, attribute = source["Queue"]["Fn::GetAtt"]
        assert attribute == "Arn"
        assert (
            package.merged["Resources"][queue]["Properties"]["VisibilityTimeout"]
            >= 6 * fn["Timeout"]
        )


def test_transient_failures_do_not_kill_a_message(package: Package) -> None:
    for id in ("EventsQueue", "ActQueue", "MailQueue"):
        queue = package.merged["Resources"][id]["Properties"]
        assert queue["RedrivePolicy"] == {
            "deadLetterTargetArn": {"Fn::GetAtt": ["DeadLettersQueue", "Arn"]},
            "maxReceiveCount": 1000,
        }


def test_deliveries_are_woken_one_endpoint_at_a_time_and_all_endpoints_at_once(
    package: Package,
) -> None:
    queue = package.merged["Resources"]["DeliveriesQueue"]["Properties"]
    assert queue["FifoQueue"] is True
    assert "RedrivePolicy" not in queue, "the sweep sends what is lost again"
    (source,) = (
        source
        for _, source in package.sources("SQS")
        if source["Queue"] == {"Fn::GetAtt": ["DeliveriesQueue", "Arn"]}
    )
    assert source["BatchSize"] == 1
    assert source["ScalingConfig"]["MaximumConcurrency"] == MOST
    # Lambda's looks at a queue cost: a stage without endpoints is not asked to pay for them.
    assert source["Enabled"] == {"Fn::If": ["SendsWebhooks", True, False]}
    assert package.merged["Parameters"]["Webhooks"]["Default"] == "false"


def test_the_nightly_export_has_no_schedule_unless_it_is_asked_for(package: Package) -> None:
    (event,) = package.functions["ExportNightly"]["Events"].values()
    assert event == {
        "Type": "Schedule",
        "Properties": {
            "Schedule": "rate(10 minutes)",
            "State": {"Fn::If": ["ExportsNightly", "ENABLED", "DISABLED"]},
        },
    }


def test_the_stream_starts_its_function_only_for_accounts_with_an_outbox(package: Package) -> None:
    [(_, source)] = package.sources("DynamoDB")
    assert source["Stream"] == {"Fn::GetAtt": ["BillingTable", "StreamArn"]}
    [only] = source["FilterCriteria"]["Filters"]
    wanted = json.loads(only["Pattern"])["dynamodb"]
    assert wanted["Keys"] == {"sk": {"S": ["ACCOUNT"]}}
    assert list(wanted["NewImage"]) == ["outbox"]
    # Lambda's `exists` sees leaves only, so it must name the very type under which an outbox is
    # written.
    written = account_item(
        Account(
            "acc_1",
            outbox=(
                DomainEvent("acc_1.0.1.trial.started", "trial.started", datetime.now(UTC), {}),
            ),
        )
    )
    assert written["sk"] == {"S": "ACCOUNT"}
    assert wanted["NewImage"]["outbox"] == {kind: [{"exists": True}] for kind in written["outbox"]}


def test_every_function_has_a_role_of_its_own(package: Package) -> None:
    roles = [fn["Role"]["Fn::GetAtt"][0] for fn in package.functions.values()]
    assert len(set(roles)) == len(roles)


def test_only_actions_that_cannot_be_narrowed_are_allowed_on_every_resource(
    package: Package,
) -> None:
    """Traces and metrics have no ARN, streams are listed or not, and SES's account and its list are
    one.
    """
    anywhere = {
        action
        for one in statements(package)
        if "*" in as_list(one["Resource"])
        for action in as_list(one["Action"])
    }
    assert anywhere == {
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "dynamodb:ListStreams",
        "ses:GetAccount",
        "ses:DeleteSuppressedDestination",
        "cloudwatch:GetMetricStatistics",
    }
    assert not [
        action
        for one in statements(package)
        for action in as_list(one["Action"])
        if "*" in str(action)
    ]


def test_no_role_names_a_resource_that_is_not_there(package: Package) -> None:
    named = {
        one["Fn::GetAtt"][0]
        for it in statements(package)
        for one in as_list(it["Resource"])
        if isinstance(one, dict) and "Fn::GetAtt" in one
    }
    assert named <= package.merged["Resources"].keys()


def test_the_webhook_s_function_has_an_app_of_its_own_and_a_role_that_reads_no_table(
    package: Package,
) -> None:
    webhook, api = (package.functions[id] for id in ("WebhookHandler", "APIHandler"))
    assert {name for name in api if webhook[name] != api[name]} == {"Handler", "Role"}
    role = json.dumps(package.merged["Resources"][webhook["Role"]["Fn::GetAtt"][0]])
    assert "dynamodb:" not in role
    assert "stripe-api-key" not in role


def test_webhooks_keep_executions_of_their_own_if_the_owner_says_how_many(
    package: Package,
) -> None:
    kept = {
        id: fn["ReservedConcurrentExecutions"]
        for id, fn in package.functions.items()
        if "ReservedConcurrentExecutions" in fn
    }
    setting = {"Ref": "WebhookConcurrency"}
    assert kept == {
        "WebhookHandler": {"Fn::If": ["KeepsConcurrency", setting, {"Ref": "AWS::NoValue"}]}
    }


def test_mail_leaves_only_as_the_senders_of_billing_toml(package: Package) -> None:
    sends = [one for one in statements(package) if "ses:SendEmail" in as_list(one["Action"])]
    named = json.dumps([one["Resource"] for one in sends])
    assert "identity/*" not in named
    assert "identity/mail.acme.example" in named
    assert identities(["Acme <billing@mail.acme.example>", "hi@acme.example"]) == [
        "acme.example",
        "billing@mail.acme.example",
        "hi@acme.example",
        "mail.acme.example",
    ]


def test_the_table_is_not_deleted_by_mistake(package: Package) -> None:
    table = package.merged["Resources"]["BillingTable"]
    assert table["DeletionPolicy"] == "Retain"
    assert table["Properties"]["DeletionProtectionEnabled"] is True


def test_stripe_s_calls_and_no_others_reach_the_webhook_s_function(package: Package) -> None:
    paths = package.merged["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    called = {
        (path, method): entry["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
        for path, methods in paths.items()
        for method, entry in methods.items()
    }
    assert [route for route, uri in called.items() if "${WebhookHandler.Arn}" in uri] == [
        ("/webhooks/stripe", "post")
    ]
    assert "${APIHandler.Arn}" not in called["/webhooks/stripe", "post"]
    invoke = package.merged["Resources"]["WebhookHandlerInvokePermission"]["Properties"]
    assert invoke["FunctionName"] == {"Ref": "WebhookHandler"}
    assert invoke["SourceArn"]["Fn::Sub"].endswith("${RestAPI}/*/POST/webhooks/stripe")


def statements(package: Package) -> list[Template]:
    """What all roles together may do, with all settings on."""
    roles = [
        package.merged["Resources"][fn["Role"]["Fn::GetAtt"][0]]["Properties"]
        for fn in package.functions.values()
    ]
    return [
        one["Fn::If"][1] if "Fn::If" in one else one
        for role in roles
        for policy in role["Policies"]
        for one in policy["PolicyDocument"]["Statement"]
    ]


def test_every_function_has_a_log_group_that_expires(package: Package) -> None:
    groups = [
        it["Properties"]
        for it in package.merged["Resources"].values()
        if it["Type"] == "AWS::Logs::LogGroup"
    ]
    assert all(group["RetentionInDays"] == 30 for group in groups)
    names = [group["LogGroupName"]["Fn::Sub"] for group in groups if "LogGroupName" in group]
    assert sorted(names) == sorted(f"/aws/lambda/${{{id}}}" for id in package.functions)


def test_a_role_may_write_to_the_logs_of_its_function_and_no_other(package: Package) -> None:
    for id, fn in package.functions.items():
        text = json.dumps(package.merged["Resources"][fn["Role"]["Fn::GetAtt"][0]])
        assert [
            other
            for other in package.functions
            if f"/aws/lambda/${{AWS::StackName}}-{other}-*" in text
        ] == [id]


def test_chalice_s_wrong_name_for_the_api_function_is_repaired(package: Package) -> None:
    assert "${ApiHandler}" not in json.dumps(package.merged)


def test_no_resource_of_ours_shadows_one_of_chalice_s(package: Package) -> None:
    """Merging is silent: a queue named like a function would take its place, and its trigger would
    be gone.
    """
    for id, resource in package.own["Resources"].items():
        assert (id in package.bare["Resources"]) == ("Type" not in resource), id


def test_tables_and_queues_outlive_the_stack(package: Package) -> None:
    for id in ("BillingTable", "EventsQueue", "MailQueue", "DeadLettersQueue"):
        resource = package.merged["Resources"][id]
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_no_more_functions_send_at_once_than_share_the_rate_of_ses(package: Package) -> None:
    [source] = [
        it
        for _, it in package.sources("SQS")
        if it["Queue"] == {"Fn::GetAtt": ["MailQueue", "Arn"]}
    ]
    assert source["ScalingConfig"] == {"MaximumConcurrency": SENDERS_AT_ONCE}
    assert source["BatchSize"] == 1


def test_lambda_polls_empty_queues_little_unless_the_owner_limits_the_workers(
    package: Package,
) -> None:
    """With a maximum concurrency it keeps five pollers, else it goes down to two."""
    limited = {"MaximumConcurrency": {"Ref": "WorkerConcurrency"}}
    wanted = {"Fn::If": ["LimitsWorkers", limited, {"Ref": "AWS::NoValue"}]}
    found = {
        source["Queue"]["Fn::GetAtt"][0]: source["ScalingConfig"]
        for _, source in package.sources("SQS")
    }
    assert {name for name, scaling in found.items() if scaling == wanted} == {
        "EventsQueue",
        "ActQueue",
    }
    assert package.merged["Parameters"]["WorkerConcurrency"]["Default"] == 0


def test_lambda_logs_no_line_of_its_own_for_a_call_that_went_well(package: Package) -> None:
    logging = package.merged["Globals"]["Function"]["LoggingConfig"]
    assert logging == {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "INFO",
        "SystemLogLevel": "WARN",
    }
    assert not [id for id, fn in package.functions.items() if "LoggingConfig" in fn]


def test_ses_tells_the_bus_of_all_events_that_are_read(package: Package) -> None:
    destination = package.merged["Resources"]["FeedbackDestination"]["Properties"]
    told = {kind.replace(" ", "").lower() for kind in KINDS}
    event = destination["EventDestination"]
    assert {kind.lower() for kind in event["MatchingEventTypes"]} == told
    assert event["EventBridgeDestination"]["EventBusArn"]["Fn::Sub"].endswith("event-bus/default")
    assert destination["ConfigurationSetName"] == {"Ref": "ConfigurationSet"}


def test_the_bus_starts_the_feedback_s_function_for_mail_of_this_stack_alone(
    package: Package,
) -> None:
    [(fn, source)] = package.sources("EventBridgeRule")
    assert fn["Handler"].endswith("take_feedback")
    tags = {"ses:configuration-set": [{"Ref": "ConfigurationSet"}]}
    assert source["Pattern"] == {"source": ["aws.ses"], "detail": {"mail": {"tags": tags}}}
    dead = {"Fn::GetAtt": ["DeadLettersQueue", "Arn"]}
    assert source["DeadLetterConfig"] == {"Arn": dead}
    assert fn["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"] == dead
    policy = package.merged["Resources"]["DeadLettersPolicy"]["Properties"]["PolicyDocument"]
    statement = policy["Statement"][0]
    assert (statement["Principal"], statement["Action"]) == (
        {"Service": "events.amazonaws.com"},
        "sqs:SendMessage",
    )
    rule = {"Fn::GetAtt": ["TakeFeedbackTakeFeedbackEvent", "Arn"]}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": rule}}


def routes(package: Package) -> set[tuple[str, str]]:
    paths: Template = package.merged["Resources"]["RestAPI"]["Properties"]["DefinitionBody"][
        "paths"
    ]
    return {(path, method.upper()) for path, methods in paths.items() for method in methods}


def test_a_flood_on_the_webhook_cannot_starve_the_product_s_question(package: Package) -> None:
    settings = package.merged["Resources"]["RestAPI"]["Properties"]["MethodSettings"]
    limits = {
        ("/" + it["ResourcePath"][1:].replace("~1", "/").lstrip("/"), it["HttpMethod"]): it[
            "ThrottlingRateLimit"
        ]
        for it in settings
    }
    webhook, access = ("/webhooks/stripe", "POST"), ("/accounts/{account_id}/access", "GET")
    assert limits[webhook] < limits[access]
    for stranger in (("/signups", "POST"), ("/sign-in", "POST")):
        assert limits[stranger] < limits["/*", "*"] < limits[webhook]
    # A limit for a route that is spelt otherwise would limit nothing, and no tool would say so.
    assert set(limits) - {("/*", "*")} <= routes(package)


@pytest.mark.parametrize(
    "refusal",
    [
        "DEFAULT_4XX",
        "DEFAULT_5XX",
        "MISSING_AUTHENTICATION_TOKEN",
        "THROTTLED",
        "REQUEST_TOO_LARGE",
        "INTEGRATION_TIMEOUT",
    ],
)
def test_refusals_of_api_gateway_have_our_shape(package: Package, refusal: str) -> None:
    response = package.merged["Resources"]["RestAPI"]["Properties"]["GatewayResponses"][refusal]
    body = json.loads(response["ResponseTemplates"]["application/json"])
    assert body["error"].keys() == {"code", "message"}


def test_every_route_passes_every_method_on_to_the_api_s_function(package: Package) -> None:
    """Otherwise API Gateway answers HEAD, OPTIONS and unknown methods with a 404 of its own."""
    paths = package.merged["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    assert paths.keys() == app.routes.keys()
    called = {
        path: methods["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]["uri"][
            "Fn::Sub"
        ]
        for path, methods in paths.items()
    }
    assert {path for path, uri in called.items() if "${APIHandler.Arn}" not in uri} == set()


def test_scripts_of_the_sites_in_billing_toml_may_read_what_api_gateway_answers_itself(
    package: Package,
) -> None:
    responses = package.merged["Resources"]["RestAPI"]["Properties"]["GatewayResponses"]
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "THROTTLED", "REQUEST_TOO_LARGE"} <= responses.keys()
    for name, response in responses.items():
        sent = response["ResponseParameters"]["Headers"]
        assert sent["Access-Control-Allow-Origin"] == "'*'", name
    assert responses["THROTTLED"]["ResponseParameters"]["Headers"]["Retry-After"] == "'1'"


def test_what_api_gateway_answers_itself_has_the_headers_of_every_answer(
    package: Package,
) -> None:
    responses = package.merged["Resources"]["RestAPI"]["Properties"]["GatewayResponses"]
    expected = ALWAYS_SENT | HTTPS_ONLY | NO_CONTENT_OF_THE_GATEWAY
    for name, response in responses.items():
        sent = response["ResponseParameters"]["Headers"]
        assert {header: sent[header][1:-1] for header in expected} == expected, name
        for header, value in sent.items():
            assert (value[0], value[-1], "'" in value[1:-1]) == ("'", "'", False), header


def test_logs_hold_the_route_never_the_path(package: Package) -> None:
    api = package.merged["Resources"]["RestAPI"]["Properties"]
    logged = json.loads(api["AccessLogSetting"]["Format"])
    assert set(logged.values()).isdisjoint(
        {"$context.path", "$context.error.message", "$context.error.messageString"}
    )
    assert logged["route"] == "$context.resourcePath"
    assert api["TracingEnabled"] is False


def test_cloudformation_would_take_the_template(package: Package) -> None:
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run(
        [linter, package.template_file], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
