"""The real package, deployed by CloudFormation into the emulator and driven over its REST API, as a
stage in an account would be.
"""

import json
import secrets
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import boto3
import pytest

from chalicelib.domain.policy.read import read_policy
from local.aws.resources import verify_senders
from local.client import Client
from local.recordings import Recording
from local.replay import differences
from local.stripe_sim.api.simulator import StripeSimulator
from local.stripe_sim.lifecycle.catalogue import catalogue
from ops.__main__ import main
from ops.deploy.release import Release, endpoint
from ops.package.api_definition import ANY_METHOD
from ops.package.build import Package, build, this_machine
from ops.stage.signing_keys import new_signing_keys
from ops.stage.stages import find_stage
from tests.unit.runtime.test_access_tokens import opened

ROOT = Path(__file__).parents[2]
STAGE = "dev"
PATIENCE_SECONDS = 100
"""More than two sweeps, which come once a real minute."""

UNKNOWN_TO_THE_EMULATOR = ("AWS::CloudWatch::CompositeAlarm",)
"""Types of resources without which the template is deployed here."""

UNDECLARED_METHODS = ("head", "options")
"""Methods that no view declares, and that the stage must answer all the same."""

T = TypeVar("T")


@dataclass
class Deployed:
    """A stage, the Stripe behind it, and the emulator that it lies in."""

    client: Client
    release: Release
    package: Package
    stripe: StripeSimulator
    webhook_secret: str
    emulator: str
    table: str

    def sends(self, event: dict[str, Any]) -> None:
        assert self.client.send_event(event, self.webhook_secret, _now()) == (
            200,
            {"received": True},
        )

    def mails(self, to: str) -> list[str]:
        """The subjects of what SES was given for an address."""
        with urllib.request.urlopen(f"{self.emulator}/_ministack/ses/messages") as answer:
            return [
                mail["Subject"]
                for mails in json.load(answer)["messages"].values()
                for mail in mails
                if mail["To"] == [to]
            ]


def eventually(what: Callable[[], T | None]) -> T:
    """What there is once there is something. Fails after some minutes without."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.2)
    raise AssertionError(
        "\n".join(["It did not come about. The functions' logs end so:", *_logs()])
    )


def _logs() -> list[str]:
    logs, lines = boto3.client("logs"), list[str]()
    for group in logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]:
        events = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
        lines += [
            f"{group['logGroupName'].rpartition('/')[2]}: {event['message'].strip()}"
            for event in events[-12:]
        ]
    return lines


def _now() -> int:
    return int(time.time())


@pytest.fixture(scope="module")
def stripe() -> Iterator[StripeSimulator]:
    simulator = StripeSimulator(lambda: datetime.now(UTC))
    simulator.start()
    yield simulator
    simulator.close()


@pytest.fixture(scope="module")
def deployed(
    emulated: str, stripe: StripeSimulator, tmp_path_factory: pytest.TempPathFactory
) -> Deployed:
    policy = read_policy((ROOT / "chalicelib" / "billing.toml").read_text())
    webhook_secret = f"whsec_{secrets.token_hex(16)}"
    ssm = boto3.client("ssm")
    own = {
        "stripe-api-key": "sk_test_1",
        "stripe-webhook-secrets": webhook_secret,
        "hash-key": secrets.token_hex(32),
        "link-keys": secrets.token_hex(32),
        "signing-keys": new_signing_keys(),
    }
    for name, value in own.items():
        ssm.put_parameter(Name=f"/billhook-{STAGE}/{name}", Value=value, Type="SecureString")
    verify_senders(emulated, policy.mail.senders.values() if policy.mail else ())
    package = build(STAGE, tmp_path_factory.mktemp("package"), this_machine())
    # In place of Stripe itself: what is deployed has no setting for it.
    package.template["Globals"]["Function"]["Environment"]["Variables"]["STRIPE_API_BASE"] = (
        stripe.base
    )
    resources = package.template["Resources"]
    package.template["Resources"] = {
        id: it for id, it in resources.items() if it["Type"] not in UNKNOWN_TO_THE_EMULATOR
    }
    paths = resources["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    for methods in paths.values():
        # The emulator does not know AWS's key for any method, so it is told of some.
        view = methods.pop(ANY_METHOD)
        methods |= {name: view for name in UNDECLARED_METHODS}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("ops.package.build.build", lambda *_: package)
        settings = ["--set", "ShowDashboard=true"]
        assert main(["deploy", "--yes", "--stage", STAGE, *settings]) == 0, (
            "deployed, and seen to answer and refuse as it must"
        )
    outputs = find_stage(STAGE).outputs
    stripe.register(catalogue(policy))
    stripe.listen(f"{endpoint(outputs)}/webhooks/stripe", webhook_secret)
    return Deployed(
        Client(endpoint(outputs)),
        Release(STAGE),
        package,
        stripe,
        webhook_secret,
        emulated,
        outputs["TableName"],
    )


def test_the_same_again_changes_nothing(deployed: Deployed) -> None:
    assert deployed.release.propose(deployed.package, {}) is None


def test_the_stage_is_watched(deployed: Deployed) -> None:
    """The alarms are about this stack's own metric, and the function that looks at the stage has
    the names of all others.
    """
    cloudwatch, lambdas = boto3.client("cloudwatch"), boto3.client("lambda")
    alarms = cloudwatch.describe_alarms(MaxRecords=100)["MetricAlarms"]
    assert [
        (alarm["MetricName"], {one["Name"]: one["Value"] for one in alarm["Dimensions"]})
        for alarm in alarms
    ] == [("NeedsYou", {"service": f"billhook-{STAGE}"})] * 2
    functions = {one["FunctionName"] for one in lambdas.list_functions(MaxItems=50)["Functions"]}
    [watch] = [name for name in functions if "WatchStage" in name]
    variables = lambdas.get_function_configuration(FunctionName=watch)["Environment"]["Variables"]
    named = {pair.split("=")[1] for pair in variables["FUNCTIONS"].split(",")}
    assert named == functions - {watch}
    [dashboard] = cloudwatch.list_dashboards()["DashboardEntries"]
    assert (
        "${"
        not in cloudwatch.get_dashboard(DashboardName=dashboard["DashboardName"])["DashboardBody"]
    )


@pytest.mark.parametrize("name", ["trial_converts", "renewal_fails_then_recovers"])
def test_a_history_sent_to_the_webhook_becomes_the_account(
    deployed: Deployed, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    recording = Recording.load(ROOT / "tests" / "recordings" / f"{name}.json").renamed(
        secrets.token_hex(3)
    )
    recording = recording.moved_to(_now() - (recording.events[-1]["created"] - recording.start))
    assert Client(deployed.stripe.base).post("/_test/recordings", recording.to_json())[0] == 200
    for event in recording.events:
        deployed.sends(event)
    client = with_key(deployed, capsys)
    id = recording.account_id or ""
    eventually(lambda: not differences(client.account(id), recording.checkpoints[-1]))
    # By the stream. Payments are not among them: what a customer paid long before it was adopted is
    # history.
    happened = {"account.created", "access.granted"}
    eventually(
        lambda: (
            happened
            <= {
                entry["type"]
                for entry in client.call("GET", f"/accounts/{id}/timeline")[1]["entries"]
            }
        )
    )


def test_a_trial_that_stripe_tells_of_is_welcomed_by_the_next_sweep(deployed: Deployed) -> None:
    recording = (
        Recording.load(ROOT / "tests" / "recordings" / "trial_pauses_then_resumes.json")
        .renamed(secrets.token_hex(3))
        .moved_to(_now())
    )
    email = next(event for event in recording.events if event["type"] == "customer.created")[
        "data"
    ]["object"]["email"]
    for event in [event for event in recording.events if event["created"] == recording.start]:
        deployed.sends(event)
    assert len(eventually(lambda: deployed.mails(email))) == 1


def test_a_visitor_signs_up_and_is_on_trial_at_stripe(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    email = f"ada-{secrets.token_hex(4)}@example.com"
    status, body = deployed.client.post("/signups", {"email": email})
    assert status == 201, body
    client = with_key(deployed, capsys)
    standing = eventually(
        lambda: (
            (found := client.access(body["account_id"])) and found["reason"] == "trialing" and found
        )
    )
    assert standing["access"] == "full"
    status, told = client.post(f"/accounts/{body['account_id']}/access/token", {})
    assert status == 200, told
    _, key_set = deployed.client.call("GET", "/.well-known/jwks.json")
    _, claims = opened(told["token"], key_set)
    assert (claims["sub"], claims["access"]) == (body["account_id"], "full")
    assert eventually(lambda: deployed.mails(email))


def test_an_update_keeps_the_data_and_taking_the_stage_away_keeps_the_table(
    deployed: Deployed,
) -> None:
    """Last, since nothing is left to ask afterwards."""
    count = boto3.client("dynamodb").scan(TableName=deployed.table, Select="COUNT")["Count"]
    assert count > 0
    functions = [
        it["Properties"]
        for it in deployed.package.template["Resources"].values()
        if it["Type"] == "AWS::Serverless::Function"
    ]
    for function in functions:
        function["MemorySize"] = 1024
    changes = deployed.release.propose(deployed.package, {})
    assert changes
    assert "BillingTable" not in {change.logical_id for change in changes}
    deployed.release.carry_out()
    assert find_stage(STAGE).outputs["TableName"] == deployed.table
    assert main(["destroy", "--yes", "--stage", STAGE]) == 0
    assert boto3.client("dynamodb").scan(TableName=deployed.table, Select="COUNT")["Count"] >= count


def with_key(deployed: Deployed, capsys: pytest.CaptureFixture[str]) -> Client:
    """A caller with an API key, made as an operator makes it."""
    capsys.readouterr()
    assert main(["keys", "create", "rehearsal", "--scope", "read", "--stage", STAGE]) == 0
    return Client(deployed.client.base, capsys.readouterr().out.strip())
