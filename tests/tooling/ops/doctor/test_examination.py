"""python -m ops doctor and stripe as typed commands, on a stage in the emulator with a
simulated Stripe.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any

import boto3
import pytest

from local.aws.resources import TEMPLATE
from local.aws.template import load
from local.client import Client
from local.stripe_sim.api.simulator import StripeSimulator
from ops.__main__ import main
from ops.doctor.site import Site
from ops.stage.signing_keys import new_signing_keys
from ops.stripe.opening import transport_for
from tests.fakes.services import POLICY

STACK = "billhook-dev"
SECRETS = {
    "stripe-api-key": "rk_test_1",
    "link-keys": "l" * 64,
    "hash-key": "h" * 64,
    "signing-keys": new_signing_keys(),
}
FEEDBACK = ("ConfigurationSet", "FeedbackDestination")
"""What the doctor looks at of the template; the rest of it is deployed by tests/rehearsal."""


@pytest.fixture(scope="module")
def stack(emulated: str) -> None:
    """The stage's stack in the emulator."""
    content = load(TEMPLATE)
    outputs = {
        name: content["Outputs"][name] for name in ("ConfigurationSetName", "ParametersPath")
    }
    outputs |= {"EndpointURL": {"Value": f"{POLICY.base_url}/"}, "RestAPIId": {"Value": "rest"}}
    template = {
        "Resources": {name: content["Resources"][name] for name in FEEDBACK},
        "Outputs": outputs,
    }
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=STACK, WaiterConfig={"Delay": 1}
    )


@dataclass
class Clinic:
    """A stage without faults, until a test adds one."""

    ses: Any
    ssm: Any
    stripe: StripeSimulator
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: str, stage: str = "dev") -> tuple[int, str]:
        self.capsys.readouterr()
        status = main([*arguments, "--stage", stage])
        said = self.capsys.readouterr()
        return status, said.out + said.err

    def doctor(self, stage: str = "dev") -> tuple[int, dict[str, tuple[str, str]]]:
        """The exit status, and the findings that are not fine: subject → text and fix."""
        status, out = self.run("doctor", stage=stage)
        found, lines = dict[str, tuple[str, str]](), out.splitlines()
        for line, following in zip(lines, [*lines[1:], ""], strict=True):
            state, _, rest = line.partition(" ")
            subject, _, says = rest.strip().partition(": ")
            if state in ("wrong", "unknown"):
                found[subject] = (
                    f"{state}: {says}",
                    following.strip().removeprefix("→ ") if following.startswith(" ") else "",
                )
        return status, found

    def put(self, name: str, value: str, stage: str = "dev", type: str = "SecureString") -> None:
        self.forget(name, stage)
        self.ssm.put_parameter(Name=f"/billhook-{stage}/{name}", Value=value, Type=type)

    def forget(self, name: str, stage: str = "dev") -> None:
        self.ssm.delete_parameters(Names=[f"/billhook-{stage}/{name}"])

    def deny(self, path: str, method: str) -> None:
        """Stripe's dashboard takes a permission from the stage's key."""
        Client(self.stripe.base).post(
            "/_test/faults", {"how": "403", "path": path, "method": method, "times": 1}
        )

    def endpoint(self, **changes: Any) -> None:
        """The owner changes the webhook endpoint in Stripe's dashboard."""
        transport = transport_for("sk_test_1")
        (held,) = [
            one for one in transport.all("/v1/webhook_endpoints") if one["status"] == "enabled"
        ]
        transport.post(f"/v1/webhook_endpoints/{held['id']}", **changes)


@pytest.fixture
def clinic(
    stack: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Clinic]:
    session = boto3.Session()
    # The emulator has no DNS to look for DKIM's records in.
    session.events.register("after-call.sesv2.GetEmailIdentity", _with_records)
    monkeypatch.setattr("ops.doctor.site.Site", lambda name: Site(name, session))
    stripe = StripeSimulator(lambda: datetime.now(UTC))
    stripe.start()
    monkeypatch.setenv("STRIPE_API_BASE", stripe.base)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    clinic = Clinic(session.client("sesv2"), session.client("ssm"), stripe, monkeypatch, capsys)
    clinic.ses.put_account_details(
        MailType="TRANSACTIONAL", WebsiteURL="https://acme.example", ProductionAccessEnabled=True
    )
    for domain in _domains():
        clinic.ses.create_email_identity(EmailIdentity=domain)
    for name, value in SECRETS.items():
        clinic.put(name, value)
    assert clinic.run("stripe", "apply")[0] == 0
    yield clinic
    stripe.close()
    clinic.forget("stripe-webhook-secrets")
    for domain in _domains():
        clinic.ses.delete_email_identity(EmailIdentity=domain)


def _domains() -> set[str]:
    assert POLICY.mail
    return {parseaddr(sender)[1].rpartition("@")[2] for sender in POLICY.mail.senders.values()}


def _with_records(parsed: Any, http_response: Any, **_: Any) -> None:
    if http_response.status_code == 200:
        parsed["DkimAttributes"] |= {"Status": "SUCCESS", "SigningEnabled": True}


def test_a_stage_without_faults_has_no_findings(clinic: Clinic) -> None:
    status, found = clinic.doctor()
    assert status == 0
    assert found.keys() == {"Stripe's own mails"}, "which no API tells"
    assert "dashboard.stripe.com/settings/billing" in found["Stripe's own mails"][1]


def test_plan_and_apply_work_as_typed_commands(clinic: Clinic) -> None:
    assert clinic.run("stripe", "plan") == (
        0,
        "Stripe has everything that billing.toml and this stage need.\n",
    )
    clinic.endpoint(enabled_events=["invoice.paid"])
    status, out = clinic.run("stripe", "plan")
    assert (status, "it does not tell of charge.dispute.closed" in out) == (0, True)
    assert clinic.run("stripe", "apply")[0] == 0
    assert clinic.run("stripe", "plan")[1].startswith("Stripe has everything")
    assert (
        clinic.ssm.get_parameter(Name=f"/{STACK}/stripe-webhook-secrets")["Parameter"]["Type"]
        == "SecureString"
    )


@pytest.mark.parametrize(
    ("key", "flags", "says"),
    [
        ("sk_live_1", [], "takes test events only"),
        ("rk_test_1", ["--live"], "--live was given"),
        ("pk_test_1", [], "The Stripe key is none"),
    ],
)
def test_a_key_that_does_not_fit_is_refused_before_stripe_is_asked(
    clinic: Clinic, key: str, flags: list[str], says: str
) -> None:
    clinic.monkeypatch.setenv("STRIPE_API_KEY", key)
    calls = len(clinic.stripe.api.calls)
    for action in ("plan", "apply"):
        status, out = clinic.run("stripe", action, *flags)
        assert (status, says in out) == (1, True)
    assert len(clinic.stripe.api.calls) == calls


def test_no_region_and_no_credentials_are_told_and_billing_toml_is_looked_at_all_the_same(
    clinic: Clinic,
) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        clinic.monkeypatch.delenv(name)
    clinic.monkeypatch.setattr("ops.doctor.site.Site", lambda name: Site(name, boto3.Session()))
    status, found = clinic.doctor()
    assert status == 1
    assert found["region"] == (
        "wrong: none is set",
        "export AWS_DEFAULT_REGION=…, or set the region of your AWS profile",
    )
    assert "wrong: AWS does not know you" in found["credentials"][0]
    assert "AWS_PROFILE" in found["credentials"][1]
    assert "billing.toml" not in found


def test_a_live_stage_that_is_not_deployed_and_has_a_test_key_is_wrong(clinic: Clinic) -> None:
    clinic.put("stripe-api-key", "rk_test_1", "prod")
    clinic.ses.put_account_details(
        MailType="TRANSACTIONAL", WebsiteURL="https://acme.example", ProductionAccessEnabled=False
    )
    status, found = clinic.doctor("prod")
    assert status == 1
    assert found["stage"] == (
        "wrong: prod is not deployed in this account and region",
        "python -m ops deploy --stage prod",
    )
    assert found["Stripe key"][0].startswith(
        "wrong: it is a test key, and stage prod takes live events only"
    )
    assert "secrets set stripe-api-key --stage prod" in found["Stripe key"][1]
    assert found["SES access"][0].startswith("wrong: SES is in its sandbox")
    assert found["secret hash-key"][0] == "wrong: is missing"
    assert found["prices"][0].startswith("unknown: could not be looked at.")


def test_senders_that_ses_does_not_know_are_wrong(clinic: Clinic) -> None:
    for domain in _domains():
        clinic.ses.delete_email_identity(EmailIdentity=domain)
    status, found = clinic.doctor()
    ill = [subject for subject in found if subject.startswith("From ")]
    assert (status, len(ill)) == (1, 2)
    assert all("create-email-identity" in found[subject][1] for subject in ill)


def test_feedback_that_was_switched_off_in_the_console_is_wrong(clinic: Clinic) -> None:
    (name,) = [
        one
        for one in clinic.ses.list_configuration_sets()["ConfigurationSets"]
        if "ConfigurationSet" in one
    ]
    before = clinic.ses.get_configuration_set_event_destinations(ConfigurationSetName=name)[
        "EventDestinations"
    ][0]
    kept = {key: before[key] for key in ("MatchingEventTypes", "EventBridgeDestination")}
    change = {"ConfigurationSetName": name, "EventDestinationName": "feedback"}
    clinic.ses.update_configuration_set_event_destination(
        **change, EventDestination={"Enabled": False, **kept}
    )
    try:
        status, found = clinic.doctor()
    finally:
        clinic.ses.update_configuration_set_event_destination(
            **change, EventDestination={"Enabled": True, **kept}
        )
    assert (status, found["feedback of mail"][0]) == (
        1,
        "wrong: the event destination feedback is off",
    )


def test_an_endpoint_of_another_version_without_all_events_or_disabled_is_wrong(
    clinic: Clinic,
) -> None:
    clinic.endpoint(enabled_events=["invoice.paid"], disabled=True)
    status, found = clinic.doctor()
    ((says, cure),) = [value for subject, value in found.items() if subject.startswith("webhook")]
    assert (status, cure) == (1, "python -m ops stripe apply --stage dev")
    assert "it does not tell of charge.dispute.closed" in says
    assert "it is disabled" in says
    (held,) = clinic.stripe.engine.store.all("webhook_endpoint")
    held |= {"status": "enabled", "api_version": "2024-06-20"}
    status, found = clinic.doctor()
    ((says, cure),) = [value for subject, value in found.items() if subject.startswith("webhook")]
    assert (status, cure) == (1, "python -m ops stripe apply --stage dev")
    assert "2024-06-20 is its API version" in says


def test_a_missing_endpoint_is_wrong(clinic: Clinic) -> None:
    clinic.stripe.engine.store.objects["webhook_endpoint"].clear()
    status, found = clinic.doctor()
    assert status == 1
    assert any("there is no endpoint at this address" in says for says, _ in found.values())


def test_a_changed_price_and_a_changed_portal_are_wrong(clinic: Clinic) -> None:
    for price in clinic.stripe.engine.store.all("price"):
        price["unit_amount"] += 100 if price["lookup_key"] == "pro_monthly" else 0
    for portal in clinic.stripe.engine.store.all("billing_portal.configuration"):
        portal["features"]["invoice_history"]["enabled"] = False
    status, found = clinic.doctor()
    assert not any("another has its lookup key" in says for says, _ in found.values()), (
        "that is not what is wrong"
    )
    assert (status, found["price pro_monthly"]) == (
        1,
        ("wrong: it is 5000 usd, not 4900 usd", "python -m ops stripe apply --stage dev"),
    )
    assert any(
        "invoice_history.enabled is False" in says
        for subject, (says, _) in found.items()
        if subject.startswith("portal")
    )


def test_secrets_that_are_missing_malformed_or_readable_are_wrong(clinic: Clinic) -> None:
    clinic.forget("link-keys")
    clinic.put("hash-key", "short")
    clinic.put("stripe-api-key", "rk_test_1", type="String")
    status, found = clinic.doctor()
    assert status == 1
    assert found["secret link-keys"][0] == "wrong: is missing"
    assert found["secret link-keys"][1] == "python -m ops deploy --stage dev"
    assert "must be one key of 32 characters or more" in found["secret hash-key"][0]
    assert "is a String" in found["secret stripe-api-key"][0]


def test_a_key_that_stripe_does_not_know_and_one_without_permissions_are_wrong(
    clinic: Clinic,
) -> None:
    client = Client(clinic.stripe.base)
    client.post("/_test/faults", {"how": "401", "path": "/v1/prices", "times": 1})
    client.post("/_test/faults", {"how": "403", "path": "/v1/webhook_endpoints", "times": 1})
    status, found = clinic.doctor()
    assert status == 1
    assert found["Stripe key"][0].startswith("wrong: Stripe does not know it")
    assert found["webhook"][0].startswith(
        "unknown: could not be looked at. Stripe refuses a call (403)"
    )
    assert "STRIPE_API_KEY" in found["webhook"][1]


def test_a_restricted_key_lacks_the_permissions_that_it_is_not_given(clinic: Clinic) -> None:
    clinic.deny("/v1/events", "GET")
    clinic.deny("/v1/invoices", "POST")
    status, out = clinic.run("doctor")
    assert status == 1
    assert (
        "Stripe key: it may not read Events: events that Stripe could not deliver are not fetched"
        in out
    )
    assert "edit the stage's key, and set Invoices to Write" in out


def test_stripe_down_leaves_the_rest_to_be_told(clinic: Clinic) -> None:
    Client(clinic.stripe.base).post("/_test/faults", {"how": "503", "path": "/v1/", "times": 50})
    status, found = clinic.doctor()
    assert status == 0
    assert all(
        found[subject][0].startswith("unknown")
        for subject in ("Stripe key", "prices", "portal", "webhook")
    )
