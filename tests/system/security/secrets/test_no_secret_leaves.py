"""Secrets with marks on them go through a life with everything in it; then whatever came out is
searched for the marks.
"""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.captcha.turnstile import Turnstile
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.policy.policy import SignupPolicy
from chalicelib.domain.security.signing_keys import write_keys
from chalicelib.runtime import wiring
from chalicelib.runtime.access_tokens import new_key
from chalicelib.usecases.services import SignupGuard
from ops.stage.secrets import SECRETS
from ops.stage.signing_keys import ALWAYS
from tests.adapters.aws.conftest import TABLE
from tests.fakes.links import token_to, visit_of
from tests.fakes.packages import Package
from tests.fakes.routes import ROUTES, content_type, target
from tests.http.signups.test_signups import ADA, Front, Page, under
from tests.http.test_telemetry import words_of

MARKED = {
    "stripe-api-key": "sk_test_MARKEDapikey",
    "stripe-webhook-secrets": "whsec_MARKEDwebhook whsec_MARKEDrotated",
    "link-keys": "MARKEDlinkkey0000000000000000000000 MARKEDlinkkey1111111111111111111111",
    "hash-key": "MARKEDhashkey000000000000000000000000",
    "captcha-secret": "MARKEDcaptchasecret",
    "slack-webhook-url": "https://hooks.slack.com/services/MARKEDslackwebhook",
    "people-token": "MARKEDpeopletoken",
    "people-webhook-secrets": "MARKEDpeoplewebhook MARKEDpeoplerotated",
    "instance-secret": "whsec_MARKEDinstancesecretMARKEDinstancesecret",
    "signing-keys": write_keys([replace(new_key(ALWAYS), d="MARKEDsigningkey" + "A" * 27)]),
}
EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "customer.updated",
    "livemode": False,
    "created": 1,
    "data": {"object": {"email": "eve@example.com"}},
}


@pytest.fixture
def marked(front: Front, monkeypatch: pytest.MonkeyPatch) -> Front:
    for name, value in MARKED.items():
        boto3.client("ssm").put_parameter(
            Name=f"/billhook/{name}", Value=value, Type="SecureString", Overwrite=True
        )
    for cached in (
        wiring.secrets,
        wiring.accounts,
        wiring.suppressions,
        wiring.services,
        wiring.signup_guard,
        wiring.mail_services,
    ):
        cached.cache_clear()
    return front


def lives(front: Front, monkeypatch: pytest.MonkeyPatch) -> list[Page]:
    """All answers to calls good and bad, with everything else that happens meanwhile."""
    under(SignupPolicy("pro", "month", captcha="turnstile"), monkeypatch)
    nobody = Turnstile(lambda: wiring.secrets().captcha_secret, "http://127.0.0.1:9")
    door = SignupGuard(wiring.signup_guard().limits, nobody, wiring.signup_guard().count)
    with monkeypatch.context() as patch:
        patch.setattr(wiring, "signup_guard", lambda: door)
        pages = [front.signs_up({**ADA, "cf-turnstile-response": "MARKEDcaptchatoken"})]
    under(SignupPolicy("pro", "month"), monkeypatch)
    signed_up = front.signs_up()
    front.works()
    (account,) = front.accounts()
    key = front.office.stage.key("write")
    tokens = [
        token_to(account, purpose, "lifecycle")
        for purpose in ("billing", "unsubscribe", "preferences", "return", "welcome")
    ]
    good = {"Authorization": f"Bearer {key}"}
    cookie = visit_of(account)
    for method, template in ROUTES:
        for token in tokens:
            path = target(template, account.id, token)
            pages.append(
                front.call(
                    method,
                    path,
                    b"{}",
                    Content_Type=content_type(method, template),
                    **good,
                    Cookie=cookie,
                )
            )
    pages += [
        front.office.stage.webhook(EVENT, secret="whsec_MARKEDwebhook"),
        front.office.stage.webhook(EVENT, secret="whsec_MARKEDother"),
    ]  # type: ignore[list-item]
    front.office.stage.work()
    with monkeypatch.context() as patch:  # then everything breaks, each in its own way
        patch.setattr(wiring.accounts(), "load", lambda id: {}[MARKED["hash-key"]])
        patch.setattr(
            wiring, "services", lambda: (_ for _ in ()).throw(ValueError(MARKED["stripe-api-key"]))
        )
        pages += [
            front.call(
                method, target(template, account.id, tokens[0]), b"{}", **good, Cookie=cookie
            )
            for method, template in ROUTES
        ]
        front.office.stage.webhook({**EVENT, "type": "invoice.paid"}, secret="whsec_MARKEDwebhook")
    front.works()
    return [*pages, signed_up, *(Page(200, text, {}) for text in [key, *tokens])]


def test_no_log_metric_or_error_holds_a_secret_a_token_or_an_address(
    marked: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = lives(marked, monkeypatch)
    # A key and tokens of links, as their owners have them.
    given = [page.text for page in pages[-6:]]
    answers = [page for page in pages[:-7] if isinstance(page, Page)]
    assert {page.status for page in answers} >= {200, 303, 400, 404, 500, 503}
    said = marked.office.stage.everything_said()
    for secret in ("MARKED", *(word for value in MARKED.values() for word in value.split())):
        assert secret not in said
        assert not [
            page for page in answers if secret in page.text or secret in str(page.headers)
        ], secret
    assert not [
        word
        for word in (*given, *(word for one in given for word in one.split(".")))
        if word in said
    ]
    assert not [word for word in words_of(EVENT) if word in said]
    assert not re.findall(r"[\w.+-]+@[\w-]+\.[a-z]+", said)
    refusals = [page.text for page in answers if page.status >= 400]
    assert not [
        text for text in refusals if given[0] in text or any(token in text for token in given[1:])
    ]


def test_no_key_of_the_table_holds_an_address_and_no_item_a_secret(
    marked: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives(marked, monkeypatch)
    items = boto3.client("dynamodb").scan(TableName=TABLE)["Items"]
    assert len(items) > 10
    for item in items:
        keys = [str(item[name]) for name in ("pk", "sk", "due_shard", "due_at") if name in item]
        assert not [
            key for key in keys if "@" in key.partition("@trial")[0] and "example.com" in key
        ], keys
        assert "MARKED" not in json.dumps(item, default=str)
    secrets = [one for one in items if one["pk"]["S"].startswith("APIKEY") or "secret_hash" in one]
    assert secrets, "the API key is there, hashed"


FORMS = [
    re.compile(rb"(sk|rk)_(live|test)_\w{8,}"),
    re.compile(rb"whsec_\w{8,}"),
    re.compile(rb"AKIA[0-9A-Z]{16}"),
    re.compile(rb"bh_[0-9a-f]{12}_\w{43}"),
]


def test_the_template_and_every_functions_environment_name_where_secrets_lie_and_hold_none(
    package: Package,
) -> None:
    assert not [form.pattern for form in FORMS if form.search(package.template_file.read_bytes())]
    shared = package.merged["Globals"]["Function"]["Environment"]["Variables"]
    for id, function in package.functions.items():
        told = shared | function.get("Environment", {}).get("Variables", {})
        assert not [
            name
            for name in told
            if re.search(r"SECRET|API_KEY|TOKEN|PASSWORD|HASH_KEY|LINK_KEY", name)
        ], id
    made = {one["Type"] for one in package.merged["Resources"].values()}
    assert not made & {"AWS::SSM::Parameter", "AWS::SecretsManager::Secret"}, (
        "a template's own would be readable in it"
    )
    assert not [
        name
        for name in package.merged.get("Parameters", {})
        for one in SECRETS
        if one.name.replace("-", "") in name.lower()
    ]


def test_no_file_of_the_package_holds_a_secret(package: Package) -> None:
    own = [
        path
        for path in (package.folder / "code").rglob("*")
        if path.is_file() and path.suffix in {".py", ".toml", ".html", ".txt", ".json"}
    ]
    ours = [
        path
        for path in own
        if path.is_relative_to(package.folder / "code" / "chalicelib") or path.name == "app.py"
    ]
    assert len(ours) > 100
    assert not [
        str(path) for path in ours for form in FORMS if form.search(Path(path).read_bytes())
    ]


def test_a_secret_that_is_missing_is_told_by_its_name_alone(
    marked: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    boto3.client("ssm").delete_parameter(Name="/billhook/link-keys")
    wiring.secrets.cache_clear()
    with pytest.raises(Unavailable, match="/billhook/link-keys"):
        _ = wiring.secrets().link_keys
    page: Any = marked.call("GET", "/billing/x.y")
    assert page.status == 503
    assert "billhook/" not in page.text
