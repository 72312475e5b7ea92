"""Access tokens and the keys that verify them, over HTTP."""

import json
from datetime import timedelta
from typing import Any

import boto3
import pytest

from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from local.aws.sdk_calls import passing_through
from ops.stage.parameters import Parameters
from ops.stage.signing_keys import rotate_signing_keys
from tests.http.conftest import Answer, Stage
from tests.http.test_accounts import trial  # noqa: F401 - the fixture
from tests.unit.runtime.test_access_tokens import opened


def issue(stage: Stage, account: str = "acct_demo", key: str | None = None) -> Answer:
    bearer = f"Bearer {key or stage.key('access')}"
    return stage.call("POST", f"/accounts/{account}/access/token", Authorization=bearer)


def test_a_token_tells_what_the_access_call_answers(trial: Stage) -> None:
    access = trial.get("/accounts/acct_demo/access", trial.key("access")).body
    answer = issue(trial)
    assert (answer.status, set(answer.body)) == (200, {"token", "expires_at"})
    key_set = trial.call("GET", "/.well-known/jwks.json")
    header, claims = opened(answer.body["token"], key_set.body)
    assert header.keys() == {"alg", "kid", "typ"}
    assert access == {"account_id": claims["sub"]} | {
        name: claims[name] for name in access if name != "account_id"
    }
    assert (claims["iss"], claims["aud"]) == (wiring.links().base_url, "billhook-access")
    assert claims["exp"] - claims["iat"] == 15 * 60
    assert claims["external_id"] is None
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_key_set_may_be_kept_for_an_hour(trial: Stage) -> None:
    answer = trial.call("GET", "/.well-known/jwks.json")
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "public, max-age=3600")
    (key,) = answer.body["keys"]
    assert key.keys() == {"kty", "crv", "use", "alg", "kid", "x", "y"}


def test_an_account_without_access_gets_a_token_that_says_why(
    trial: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = clock.now() + timedelta(days=40)
    monkeypatch.setattr(clock, "now", lambda: later)
    _, claims = opened(issue(trial).body["token"], trial.call("GET", "/.well-known/jwks.json").body)
    assert (claims["access"], claims["reason"]) == ("none", "trial_expired")


def test_a_token_of_an_ending_trial_ends_with_it(
    trial: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = trial.get("/accounts/acct_demo/access", trial.key("access")).body["until"]
    account = wiring.accounts().load("acct_demo")
    assert account
    assert account.standing
    assert account.standing.until
    shortly_before = account.standing.until - timedelta(minutes=4)
    monkeypatch.setattr(clock, "now", lambda: shortly_before)
    assert issue(trial).body["expires_at"] == until


def test_it_costs_one_read_of_the_table(trial: Stage) -> None:
    key, made = trial.key("access"), []
    assert issue(trial, key=key).status == 200, "from now on the key is remembered"

    def counted(service: str, operation: str, parameters: Any, call: Any) -> Any:
        made.append(operation)
        return call(operation, parameters)

    with passing_through(counted):
        assert issue(trial, key=key).status == 200
    assert made == ["GetItem"]


def test_who_may_not_ask_for_access_gets_no_token(trial: Stage) -> None:
    refused = trial.call("POST", "/accounts/acct_demo/access/token")
    assert (refused.status, refused.body["error"]["code"]) == (401, "unauthorized")
    assert issue(trial, "acc_none").body["error"]["code"] == "account_not_found"


def test_without_a_key_that_signs_the_secret_is_named_and_nothing_is_kept(trial: Stage) -> None:
    boto3.client("ssm").delete_parameter(Name="/billhook/signing-keys")
    for answer in (issue(trial), trial.call("GET", "/.well-known/jwks.json")):
        assert (answer.status, answer.body["error"]["code"]) == (503, "unavailable")
        assert "signing-keys" in answer.body["error"]["message"]
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_rotation_is_seen_by_verifiers_a_day_before_it_signs(
    trial: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    before = opened(issue(trial).body["token"], key_set(trial))[0]["kid"]
    rotate_signing_keys(Parameters("/billhook"), clock.now(), said.append)
    wiring.secrets.cache_clear()
    published = [key["kid"] for key in key_set(trial)["keys"]]
    assert (published[0], len(published)) == (before, 2)
    assert opened(issue(trial).body["token"], key_set(trial))[0]["kid"] == before
    tomorrow = clock.now() + timedelta(hours=24, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    assert opened(issue(trial).body["token"], key_set(trial))[0]["kid"] == published[1]
    assert published[1] in " ".join(said)


def test_a_second_rotation_waits_for_the_first(trial: Stage) -> None:
    parameters, said = Parameters("/billhook"), list[str]()
    rotate_signing_keys(parameters, clock.now(), said.append)
    kept = parameters.get("signing-keys")
    rotate_signing_keys(parameters, clock.now(), said.append)
    assert parameters.get("signing-keys") == kept
    assert said[-1].startswith("Nothing was changed: ")


def test_a_leaked_key_is_gone_at_once(trial: Stage) -> None:
    before = issue(trial).body["token"]
    rotate_signing_keys(Parameters("/billhook"), clock.now(), lambda line: None, leaked=True)
    wiring.secrets.cache_clear()
    (key,) = key_set(trial)["keys"]
    assert opened(issue(trial).body["token"], key_set(trial))[0]["kid"] == key["kid"]
    with pytest.raises(ValueError, match="not enough values"):
        opened(before, key_set(trial))


def test_keys_that_cannot_be_read_are_named_and_not_told(trial: Stage) -> None:
    boto3.client("ssm").put_parameter(
        Name="/billhook/signing-keys", Value='[{"kid":1,"d":"MARKED"}]', Overwrite=True
    )
    wiring.secrets.cache_clear()
    answer = issue(trial)
    assert answer.status == 503
    assert "MARKED" not in json.dumps(answer.body)


def key_set(stage: Stage) -> dict[str, Any]:
    body: dict[str, Any] = stage.call("GET", "/.well-known/jwks.json").body
    return body
