"""The doctor's findings: values in, findings out."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from chalicelib.domain.policy.policy import PeoplePolicy, SignupPolicy
from local.aws.resources import TEMPLATE
from local.aws.template import load
from ops.doctor.deployment import judge_address, judge_signups, judge_status
from ops.doctor.examination import CHECKS, Check, examine
from ops.doctor.findings import Finding, ok
from ops.doctor.mail import (
    EVENT_TYPES,
    judge_account,
    judge_configuration_set,
    judge_sender,
)
from ops.doctor.secrets import judge_secret
from ops.doctor.site import Site
from ops.doctor.stripe import judge_key
from ops.package.senders import identities_of
from ops.stage.parameters import Parameter
from ops.stage.secrets import SECRETS, Secret
from ops.stage.signing_keys import new_signing_keys
from tests.fakes.services import POLICY, ROOT

SENDER = "ada@mail.acme.example"
BUS = "arn:aws:events:us-east-1:123456789012:event-bus/default"
HEALTHY = {
    "ProductionAccessEnabled": True,
    "SendingEnabled": True,
    "EnforcementStatus": "HEALTHY",
    "SendQuota": {"Max24HourSend": 50000.0},
}
VERIFIED = {
    "VerifiedForSendingStatus": True,
    "DkimAttributes": {"Status": "SUCCESS", "SigningEnabled": True, "Tokens": ["a", "b", "c"]},
}
PENDING = {
    "VerifiedForSendingStatus": False,
    "DkimAttributes": {"Status": "PENDING", "SigningEnabled": True, "Tokens": ["a", "b", "c"]},
}
DESTINATION = {
    "Name": "feedback",
    "Enabled": True,
    "MatchingEventTypes": sorted(EVENT_TYPES),
    "EventBridgeDestination": {"EventBusArn": BUS},
}


def states(findings: Iterable[Finding]) -> list[str]:
    return [finding.state for finding in findings]


def ill(findings: Iterable[Finding]) -> Finding:
    """The finding that is wrong."""
    (found,) = [finding for finding in findings if finding.state == "wrong"]
    assert found.cure
    return found


def test_an_account_that_may_send_to_everybody_is_fine() -> None:
    assert states(judge_account(HEALTHY, True, "https://acme.example")) == ["ok", "ok"]


def test_the_sandbox_is_wrong_for_live_customers_and_enough_for_tests() -> None:
    sandbox = HEALTHY | {"ProductionAccessEnabled": False}
    found = ill(judge_account(sandbox, True, "https://acme.example"))
    assert "sandbox" in found.says
    assert found.cure.startswith("aws sesv2 put-account-details --production-access-enabled")
    first, _ = judge_account(sandbox, False, "https://acme.example")
    assert (first.state, "put-account-details" in first.cure) == ("ok", True)


@pytest.mark.parametrize(
    ("told", "cure"),
    [
        ({"SendingEnabled": False}, "put-account-sending-attributes --sending-enabled"),
        ({"EnforcementStatus": "PROBATION"}, "Support Center"),
    ],
)
def test_sending_that_is_paused_or_watched_is_wrong(told: dict[str, Any], cure: str) -> None:
    assert cure in ill(judge_account(HEALTHY | told, True, "https://acme.example")).cure


def test_an_address_is_verified_by_itself_its_domain_or_one_above() -> None:
    assert identities_of(SENDER) == [SENDER, "mail.acme.example", "acme.example"]
    for domain in ("mail.acme.example", "acme.example"):
        assert states(judge_sender(SENDER, {domain: VERIFIED})) == ["ok", "ok"]


def test_an_address_without_any_identity_is_refused_by_ses() -> None:
    found = ill(judge_sender(SENDER, {}))
    assert found.subject == f"From {SENDER}"
    assert "create-email-identity --email-identity mail.acme.example" in found.cure


def test_a_domain_whose_records_are_not_there_is_told_with_its_records() -> None:
    sender, dkim = judge_sender(SENDER, {"mail.acme.example": PENDING})
    for finding in (sender, dkim):
        assert finding.state == "wrong"
        assert "a._domainkey.mail.acme.example CNAME a.dkim.amazonses.com" in finding.cure


def test_an_address_verified_by_itself_is_not_signed_by_its_domain() -> None:
    assert ill(judge_sender(SENDER, {SENDER: VERIFIED})).subject == f"DKIM of {SENDER}"
    assert "open the mail" in next(iter(judge_sender(SENDER, {SENDER: PENDING}))).cure


def test_signing_that_is_off_is_wrong() -> None:
    off = VERIFIED | {"DkimAttributes": {"Status": "SUCCESS", "SigningEnabled": False}}
    assert "--signing-enabled" in ill(judge_sender(SENDER, {"acme.example": off})).cure


def test_a_configuration_set_that_reports_everything_is_fine() -> None:
    assert states(judge_configuration_set("set", {}, [DESTINATION])) == ["ok", "ok"]


@pytest.mark.parametrize(
    ("destinations", "says", "verb"),
    [
        ([], "nothing tells of bounces", "create"),
        (
            [DESTINATION | {"EventBridgeDestination": {"EventBusArn": "arn:other"}}],
            "nothing tells of bounces",
            "create",
        ),
        ([DESTINATION | {"Enabled": False}], "is off", "update"),
        (
            [DESTINATION | {"MatchingEventTypes": ["SEND", "BOUNCE"]}],
            "COMPLAINT, DELIVERY",
            "update",
        ),
    ],
)
def test_feedback_that_does_not_arrive_is_wrong(
    destinations: list[Any], says: str, verb: str
) -> None:
    found = ill(judge_configuration_set("set", {}, destinations))
    assert says in found.says
    assert f"{verb}-configuration-set-event-destination --configuration-set-name set" in found.cure


def test_a_configuration_set_that_is_off_is_wrong() -> None:
    off = {"SendingOptions": {"SendingEnabled": False}}
    assert (
        "put-configuration-set-sending-options"
        in ill(judge_configuration_set("set", off, [DESTINATION])).cure
    )


def test_the_types_of_feedback_are_those_of_the_template() -> None:
    declared = load(TEMPLATE)["Resources"]["FeedbackDestination"]["Properties"]["EventDestination"][
        "MatchingEventTypes"
    ]
    assert {kind.replace("_", "").lower() for kind in EVENT_TYPES} == {
        kind.lower() for kind in declared
    }


GOOD = {
    "stripe-api-key": "rk_test_abc",
    "stripe-webhook-secrets": "whsec_new whsec_old",
    "link-keys": f"{'a' * 64}\n{'b' * 64}",
    "hash-key": "c" * 64,
    "signing-keys": new_signing_keys(),
    "claim-keys": f"{'d' * 43} {'e' * 43}",
    "captcha-secret": "0x4AAAAAAA",
    "slack-webhook-url": "https://hooks.slack.com/services/T0/B0/x",
    "people-token": "dG9rOmFiY2RlZg==",
    "people-webhook-secrets": "2e7d0f58-new 2e7d0f58-old",
    "instance-secret": f"whsec_{'A' * 43}= whsec_{'b' * 43}=",
}
BAD = {
    "stripe-api-key": "pk_test_abc",
    "stripe-webhook-secrets": "whsec_new, old",
    "link-keys": f"{'a' * 64} short",
    "hash-key": "too short",
    "signing-keys": "[]",
    "claim-keys": "hunter2",
    "captcha-secret": "none",
    "slack-webhook-url": "hooks.slack.com/services/T0/B0/y",
    "people-token": "short",
    "people-webhook-secrets": "short",
    "instance-secret": "whsec_short",
}


def held(value: str, type: str = "SecureString") -> Parameter:
    return Parameter(value, type, datetime.now(UTC))


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: secret.name)
def test_a_missing_or_malformed_secret_has_a_fix(secret: Secret) -> None:
    name = f"/billhook-dev/{secret.name}"
    assert judge_secret(secret, held(GOOD[secret.name]), "dev", name, "ops").state == "ok"
    for wrong in (None, held(BAD[secret.name]), held(""), held(GOOD[secret.name], "String")):
        found = judge_secret(secret, wrong, "dev", name, "ops")
        assert found.state == "wrong"
        assert secret.name in found.cure or found.cure in (
            "ops",
            "python -m ops deploy --stage dev",
        )
        assert BAD[secret.name] not in str(found), "what is in it is never told"


def test_the_secrets_are_those_of_the_runbook() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    assert [secret.name for secret in SECRETS if f"| `{secret.name}` |" in text] == [
        secret.name for secret in SECRETS
    ]


def test_the_captchas_secret_is_asked_for_only_where_there_is_one() -> None:
    (captcha,) = [secret for secret in SECRETS if secret.name == "captcha-secret"]
    assert POLICY.signup
    assert not captcha.needed(POLICY)
    assert not captcha.needed(replace(POLICY, signup=None))
    assert captcha.needed(replace(POLICY, signup=replace(POLICY.signup, captcha="turnstile")))


def test_the_people_systems_secret_is_missing_only_if_its_events_are_milestones() -> None:
    needed = next(one for one in SECRETS if one.name == "people-webhook-secrets").needed
    people = PeoplePolicy("intercom", "https://api.intercom.io")
    reports = replace(people, milestones={"project created": "connected_data"})
    assert [needed(replace(POLICY, people=one)) for one in (None, people, reports)] == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("key", "stage_is_live"),
    [("sk_live_1", False), ("rk_test_1", True), ("pk_test_1", False), ("", True)],
)
def test_a_key_of_the_other_mode_or_none_at_all_is_wrong(key: str, stage_is_live: bool) -> None:
    found = judge_key(held(key), "stage", stage_is_live)
    assert found
    assert (found.state, "secrets set stripe-api-key --stage stage" in found.cure) == (
        "wrong",
        True,
    )


def test_a_key_of_the_stages_mode_is_taken_to_stripe() -> None:
    assert judge_key(held("rk_live_1"), "prod", True) is None
    assert judge_key(held("sk_test_1"), "dev", False) is None
    missing = judge_key(None, "dev", False)
    assert missing
    assert missing.state == "wrong"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("UPDATE_COMPLETE", "ok"),
        ("UPDATE_IN_PROGRESS", "unknown"),
        ("UPDATE_ROLLBACK_FAILED", "wrong"),
        ("ROLLBACK_COMPLETE", "wrong"),
    ],
)
def test_a_stack_is_fine_when_no_deployment_is_under_way(status: str, state: str) -> None:
    assert judge_status("billhook-dev", status).state == state


def test_links_must_lead_to_where_the_stage_answers() -> None:
    outputs = {"EndpointURL": "https://abc.execute-api.us-east-1.amazonaws.com/api/"}
    assert (
        judge_address("https://abc.execute-api.us-east-1.amazonaws.com/api", outputs).state == "ok"
    )
    assert (
        judge_address("https://b.example", outputs | {"DomainUrl": "https://b.example"}).state
        == "ok"
    )
    found = judge_address("https://old.example", outputs | {"DomainUrl": "https://b.example"})
    assert (found.state, found.cure.split(" in ")[0]) == ("wrong", 'base_url = "https://b.example"')


def test_every_mistake_of_billing_toml_is_a_finding(tmp_path: Path) -> None:
    bad = tmp_path / "billing.toml"
    bad.write_text("schema = 9\n")
    (check,) = [check for check in CHECKS if check.subject == "billing.toml"]
    found = list(examine(Site("dev", boto3.Session(), bad), [check]))
    assert set(states(found)) == {"wrong"}
    assert any("trial.days" in finding.says for finding in found)
    assert states(examine(Site("dev", boto3.Session(), tmp_path / "none"), [check])) == ["wrong"]


def test_what_signups_tell_and_who_may_send_them_is_said() -> None:
    open_to_all, none = list(judge_signups(None)), SignupPolicy("pro", "month", answer="same")
    assert open_to_all == []
    listed = replace(none, sites=("https://acme.example",))
    assert [(one.state, one.cure) for one in judge_signups(listed)] == [("ok", "")]
    (hint,) = judge_signups(replace(listed, answer="open"))
    assert (hint.state, 'answer = "same"' in hint.cure) == ("ok", True)
    (hint,) = judge_signups(none)
    assert (hint.state, "sites" in hint.cure) == ("ok", True)


def test_a_check_that_fails_is_reported_and_hides_no_other() -> None:
    def breaks(site: Site) -> list[Finding]:
        raise KeyError("TableName")

    def may_not(site: Site) -> list[Finding]:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetAccount")

    checks = [
        Check("first", breaks),
        Check("second", may_not),
        Check("third", lambda site: [ok("third", "well")]),
    ]
    first, second, third = examine(Site("dev", boto3.Session()), checks)
    assert (first.state, "KeyError: 'TableName'" in first.says) == ("unknown", True)
    assert (second.state, second.cure) == ("unknown", "let your role call GetAccount")
    assert third.state == "ok"
