"""The product's calls: their answers, the scopes that they need, and that without a key nobody
learns anything.
"""

import re
from datetime import timedelta
from urllib.parse import quote

import pytest

from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.state import Account
from chalicelib.domain.schedule.versions import next_version
from chalicelib.entry.http.endpoint import ENDPOINTS
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.ingestion.ingest import ingest
from tests.fakes.services import RECORDINGS
from tests.http.conftest import Stage
from tests.unit.usecases.ingestion.test_ingest_recordings import messages


@pytest.fixture
def trial(stage: Stage) -> Stage:
    """A stage with one account, acct_demo, five days into its trial."""
    moved = RECORDINGS["trial_converts"].moved_to(
        int((clock.now() - timedelta(days=5)).timestamp())
    )
    stage.stripe.truth = moved.truth(5)
    ingest(messages(moved.events[:5]), wiring.services())
    return stage


def test_access_is_the_whole_answer(trial: Stage) -> None:
    answer = trial.get("/accounts/acct_demo/access", trial.key("access"))
    until = answer.body.pop("until")
    assert answer.status == 200
    assert answer.body == {
        "account_id": "acct_demo",
        "access": "full",
        "reason": "trialing",
        "plan": "pro",
        "features": ["projects", "reports"],
        "quantity": 1,
    }
    assert until.endswith("Z")


def test_every_call_with_a_key_refuses_a_parameter_that_it_does_not_know(stage: Stage) -> None:
    key = stage.key("admin")
    calls = [(method, path) for (method, path), call in ENDPOINTS.items() if call.scope]
    assert len(calls) > 20
    for method, path in calls:
        target = f"{re.sub('{[a-z_]+}', 'one', path)}?surprise=1"
        answer = stage.call(method, target, b"{}", Authorization=f"Bearer {key}")
        told = (answer.status, answer.body["error"].get("field"))
        assert told == (400, "surprise"), (method, path)


def test_public_calls_take_parameters_that_a_probe_adds(stage: Stage) -> None:
    for path in ("/healthz", "/.well-known/jwks.json"):
        assert stage.get(f"{path}?probe=1&probe=2", None).status == 200


def test_an_account_with_its_standing_and_subscriptions(trial: Stage) -> None:
    body = trial.get("/accounts/acct_demo", trial.key("read")).body
    assert (body["account_id"], body["email"], body["name"]) == (
        "acct_demo",
        "ada@example.com",
        "Ada Byron",
    )
    assert body["standing"]["status"] == "trialing"
    (subscription,) = body["subscriptions"]
    assert subscription["trial_end"] == body["standing"]["until"]
    assert subscription["items"][0]["lookup_key"] == "pro_monthly"


def test_accounts_are_found_by_address_and_by_external_id(trial: Stage) -> None:
    key = trial.key("read")
    signed_up = Account("acc_2", profile=Profile("ada@example.com", external_id="team 42"))
    wiring.accounts().save(
        Account("acc_2"), next_version(Account("acc_2"), signed_up, wiring.policy(), clock.now())
    )
    found = trial.get("/accounts?email=ADA%40example.com", key).body["accounts"]
    assert [account["account_id"] for account in found] == ["acc_2", "acct_demo"]
    assert (
        trial.get("/accounts?external_id=team+42", key).body["accounts"][0]["account_id"] == "acc_2"
    )
    assert trial.get("/accounts?email=nobody@example.com", key).body == {"accounts": []}
    assert trial.get("/accounts?external_id=43", key).body == {"accounts": []}


def test_an_account_is_found_by_its_domain_in_other_letters(trial: Stage) -> None:
    signed_up = Account("acc_2", profile=Profile("ada@xn--mller-kva.example"))
    wiring.accounts().save(
        Account("acc_2"), next_version(Account("acc_2"), signed_up, wiring.policy(), clock.now())
    )
    typed = quote("Ada@Müller.example")
    found = trial.get(f"/accounts?email={typed}", trial.key("read")).body["accounts"]
    assert [account["account_id"] for account in found] == ["acc_2"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "email"),
        ("?phone=1", "phone"),
        ("?email=a&external_id=b", "email"),
        ("?email=", "email"),
        ("?email=" + "a" * 400, "email"),
    ],
)
def test_a_search_that_asks_for_nothing_is_told_what_to_ask(
    trial: Stage, query: str, field: str
) -> None:
    answer = trial.get(f"/accounts{query}", trial.key("read"))
    assert (answer.status, answer.body["error"]["code"], answer.body["error"]["field"]) == (
        400,
        "invalid",
        field,
    )


def test_the_timeline_is_read_page_by_page(trial: Stage) -> None:
    key = trial.key("read")
    trial.stream("acct_demo")
    body = trial.get("/accounts/acct_demo/timeline", key).body
    assert [entry["at"] for entry in body["entries"]] == sorted(
        (entry["at"] for entry in body["entries"]), reverse=True
    )
    assert body["cursor"] is None
    assert (
        trial.get("/accounts/acct_demo/timeline?cursor=nonsense", key).body["error"]["field"]
        == "cursor"
    )


PATHS = [
    "/accounts/acct_demo/access",
    "/accounts/acct_demo",
    "/accounts/acct_demo/timeline",
    "/accounts?email=ada@example.com",
]
NOBODYS = [
    "/accounts/acc_none/access",
    "/accounts/acc_none",
    "/accounts/acc_none/timeline",
    "/accounts?email=nobody@example.com",
]


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer x", "Basic abc", "Bearer bh_000000000000_" + "a" * 43, "bh_1"],
)
def test_without_a_key_nobody_learns_which_accounts_exist(trial: Stage, header: str | None) -> None:
    answers = {
        (answer.status, str(answer.body))
        for path in PATHS + NOBODYS
        for answer in [trial.call("GET", path, **({"Authorization": header} if header else {}))]
    }
    assert len(answers) == 1
    assert answers.pop()[0] == 401


def test_a_key_without_the_scope_does_not_learn_it_either(trial: Stage) -> None:
    key = trial.key("access")
    answers = {
        (answer.status, str(answer.body))
        for path in PATHS[1:] + NOBODYS[1:]
        for answer in [trial.get(path, key)]
    }
    assert len(answers) == 1
    assert answers.pop()[0] == 403


@pytest.mark.parametrize("scope", ["access", "read", "write"])
def test_a_scope_includes_the_smaller_ones(trial: Stage, scope: str) -> None:
    key = trial.key(scope)
    assert trial.get(PATHS[0], key).status == 200
    assert {trial.get(path, key).status for path in PATHS[1:]} == (
        {403} if scope == "access" else {200}
    )


@pytest.mark.parametrize(
    "id", ["acc_none", "a%20b", "%2e%2e", "ACCOUNT%23acct_demo", "x" * 65, "é"]
)
def test_an_id_that_no_account_has_is_not_found(trial: Stage, id: str) -> None:
    answer = trial.get(f"/accounts/{id}/access", trial.key("access"))
    assert (answer.status, answer.body["error"]["code"]) == (404, "account_not_found")


def test_a_revoked_key_opens_nothing_after_a_minute(
    trial: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = trial.key("access")
    assert trial.get(PATHS[0], key).status == 200
    wiring.api_keys().revoke(key.split("_")[1], clock.now())
    started = clock.now()
    monkeypatch.setattr(clock, "now", lambda: started + timedelta(seconds=61))
    assert trial.get(PATHS[0], key).status == 401


def test_the_health_check_needs_no_key(stage: Stage) -> None:
    assert (stage.call("GET", "/healthz").status, stage.call("GET", "/healthz").body) == (
        200,
        {"status": "ok"},
    )


def test_a_refused_key_is_told_how_to_present_one(stage: Stage) -> None:
    assert stage.get("/accounts/x/access", None).headers["WWW-Authenticate"] == "Bearer"


def test_a_table_that_does_not_answer_is_a_503(
    trial: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.domain.errors import Unavailable

    def fail(id: str) -> None:
        raise Unavailable("DynamoDB gives no answer now.")

    key = trial.key("access")
    monkeypatch.setattr(wiring.accounts(), "load", fail)
    assert trial.get(PATHS[0], key).status == 503
