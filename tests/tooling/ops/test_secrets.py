"""The secrets of a stage: set, created and rotated."""

import io
from dataclasses import replace
from typing import Any

import boto3
import pytest

from chalicelib.aws.keys.secrets import CACHED_SECONDS
from ops.stage.parameters import Parameters
from ops.stage.secrets import SECRETS, make_missing, put, to_do
from tests.fakes.services import POLICY
from tests.tooling.ops.conftest import HASH_KEY, Deployed


@pytest.fixture
def parameters(deployed: Deployed) -> Parameters:
    return Parameters("/billhook-dev")


def types(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def value(parameters: Parameters, name: str) -> str:
    held = parameters.get(name)
    assert held
    return held.value


def test_random_secrets_are_created_once_and_present_ones_stay(
    parameters: Parameters,
) -> None:
    assert make_missing(parameters) == ["link-keys", "signing-keys"]
    made = value(parameters, "link-keys")
    assert make_missing(parameters) == []
    assert (value(parameters, "link-keys"), value(parameters, "hash-key")) == (made, HASH_KEY)
    for secret in SECRETS:
        if secret.name in {"link-keys", "signing-keys"}:
            assert secret.form.fullmatch(value(parameters, secret.name))


def test_a_secret_is_put_as_a_secure_string_and_never_shown(
    ops: Any, parameters: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    types(monkeypatch, "rk_test_new\n")
    said = ops("secrets", "set", "stripe-api-key", "--stage", "dev")
    assert (said.status, "rk_test_new" in said.out + said.err) == (0, False)
    assert value(parameters, "stripe-api-key") == "rk_test_new"
    assert (
        boto3.client("ssm").get_parameter(Name="/billhook-dev/stripe-api-key")["Parameter"]["Type"]
        == "SecureString"
    )
    listed = ops("secrets", "list", "--stage", "dev").out
    assert [line.split()[:2] for line in listed.splitlines()][:2] == [
        ["stripe-api-key", "SecureString"],
        ["stripe-webhook-secrets", "missing"],
    ]
    assert "rk_test_new" not in listed


@pytest.mark.parametrize("typed", ["pk_test_1", "", "sk_test_1 sk_test_2"])
def test_a_malformed_secret_is_refused(
    ops: Any, parameters: Parameters, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    types(monkeypatch, typed)
    said = ops("secrets", "set", "stripe-api-key", "--stage", "dev")
    assert (said.status, said.err) == (
        1,
        "stripe-api-key must be a secret or restricted key of Stripe's, sk_… or rk_….\n",
    )
    assert value(parameters, "stripe-api-key") == "sk_test_1"


def test_an_unknown_secret_is_named(ops: Any, deployed: Deployed) -> None:
    said = ops("secrets", "set", "stripe-key", "--stage", "dev")
    assert said.status == 1
    assert said.err.startswith("There is no secret stripe-key: there are stripe-api-key, ")


def test_the_hash_key_is_not_replaced_without_a_confirmation(
    ops: Any, parameters: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    types(monkeypatch, "")
    assert ops("secrets", "set", "hash-key", "--stage", "dev").status == 1
    assert value(parameters, "hash-key") == HASH_KEY


def test_missing_secrets_are_listed_with_the_commands_that_create_them(
    parameters: Parameters,
) -> None:
    make_missing(parameters)
    apply, doctor = "python -m ops stripe apply --stage dev", "python -m ops doctor --stage dev"
    assert to_do(parameters, POLICY, "dev") == [apply, doctor]
    put(parameters, "stripe-webhook-secrets", "whsec_1")
    assert to_do(parameters, POLICY, "dev") == []
    with_captcha = replace(
        POLICY, signup=POLICY.signup and replace(POLICY.signup, captcha="turnstile")
    )
    assert [step.split("   #")[0] for step in to_do(parameters, with_captcha, "dev")] == [
        "python -m ops secrets set captcha-secret --stage dev",
        doctor,
    ]
    nothing = Parameters("/billhook-prod")
    assert [step.split("   #")[0] for step in to_do(nothing, POLICY, "prod")][:2] == [
        "python -m ops secrets set stripe-api-key --stage prod",
        "python -m ops stripe apply --stage prod --live",
    ]


def test_a_new_link_key_signs_once_every_function_can_verify_it(
    ops: Any, parameters: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_missing(parameters)
    before, waited = value(parameters, "link-keys"), []
    monkeypatch.setattr(
        "time.sleep", lambda seconds: waited.append((seconds, value(parameters, "link-keys")))
    )
    assert ops("secrets", "rotate-links", "--stage", "dev").status == 0
    ((seconds, meanwhile),) = waited
    first, *others = value(parameters, "link-keys").split()
    assert (others, first == before) == ([before], False)
    assert (seconds, meanwhile) == (CACHED_SECONDS, f"{before} {first}")
