"""Which address does Billhook call since a stranger or a customer wrote it? None: it calls AWS,
Stripe and the CAPTCHA service. The product, with a write key, names where events are delivered:
these calls are guarded (tests/unit/domain/outgoing/test_targets.py).
"""

import ast
import json
import socket
from itertools import product
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib.captcha.turnstile import BASE
from chalicelib.runtime import wiring
from tests.fakes.links import token_to, visit_of
from tests.fakes.routes import ROUTES, content_type, target
from tests.fakes.services import ROOT
from tests.http.signups.test_signups import ADA, Front
from tests.http.test_telemetry import fresh
from tests.tooling.source_files import paths, source

METADATA = "http://169.254.169.254/latest/meta-data/iam/security-credentials/"
CALLERS = {
    "outgoing/transport.py": (
        "http.client, to what a write key or a secret of the stage names, if it is public"
    ),
    "captcha/turnstile.py": (
        "urllib3, to the CAPTCHA service: its address is a constant, or CAPTCHA_BASE of the stage's"
        " environment"
    ),
    "stripe_api/transport.py": (
        "stripe, to its API: the SDK's address, or STRIPE_API_BASE of the stage's environment"
    ),
}
"""The modules that call anything but AWS, and where the address comes from."""

NETWORK = {
    "socket",
    "ssl",
    "http.client",
    "urllib.request",
    "urllib3",
    "requests",
    "httpx",
    "aiohttp",
    "ftplib",
    "smtplib",
    "xmlrpc",
    "stripe",
}


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every address that a connection is tried to, and every name that is looked up."""
    tried: list[Any] = []

    def refused(*arguments: Any, **_: Any) -> Any:
        tried.append(arguments)
        raise OSError("there is no outside")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr(socket, "gethostbyname", refused)
    return tried


TO_AWS = "chalicelib/aws/json_protocol/"
"""The client of AWS's own services. Its endpoints come from the region and from the stage's own
settings (tests/adapters/aws/json_protocol).
"""


def test_only_three_modules_call_anything_but_aws() -> None:
    found = {
        path.removeprefix("chalicelib/")
        for path in paths("chalicelib")
        if source(path).imports & NETWORK and not path.startswith(TO_AWS)
    }
    assert found == set(CALLERS)
    constants = [
        one.value
        for one in ast.walk(ast.parse((ROOT / "chalicelib/captcha/turnstile.py").read_text()))
        if isinstance(one, ast.Constant)
    ]
    assert BASE in constants


def test_no_address_that_a_visitor_a_customer_or_the_product_writes_is_called(
    front: Front, called: list[Any]
) -> None:
    everywhere = {
        name: METADATA
        for name in (
            "Origin",
            "Referer",
            "Host",
            "X_Forwarded_Host",
            "X_Forwarded_For",
            "User_Agent",
            "Forwarded",
        )
    }
    of_a_server = {name: value for name, value in everywhere.items() if name != "Origin"}
    key = {"Authorization": f"Bearer {front.office.stage.key('write')}"}
    front.signs_up(
        {
            **ADA,
            "name": METADATA,
            "external_id": METADATA,
            "attributes": {"url": METADATA, "logo_url": METADATA},
        },
        **of_a_server,
        **key,
    )
    front.works()
    (account,) = front.accounts()
    cookie = visit_of(account)
    query = "&".join(
        f"{name}={METADATA}"
        for name in (
            "next",
            "url",
            "instance_url",
            "article_url",
            "return_url",
            "logo_url",
            "cursor",
            "email",
        )
    )
    for (method, template), sent in product(ROUTES, (everywhere, of_a_server)):
        path = target(template, account.id, token_to(account, "billing"))
        body = json.dumps({"url": METADATA, "instance": METADATA}).encode()
        front.call(
            method,
            f"{path}?{query}",
            body,
            Content_Type=content_type(method, template),
            **key,
            Cookie=cookie,
            **sent,
        )
    front.works()
    assert called == []


def test_no_address_in_an_event_is_called(front: Front, called: list[Any]) -> None:
    for event in fresh(9):
        front.office.stage.webhook(
            json.loads(json.dumps(event).replace("https://", "http://169.254.169.254/"))
        )
    front.office.stage.work()
    front.works()
    assert called == []


def test_a_topic_that_wants_to_be_confirmed_is_not_visited(front: Front, called: list[Any]) -> None:
    """SNS confirms a function's subscription by itself; whatever comes as a message
    is a message."""
    confirmation = {
        "Type": "SubscriptionConfirmation",
        "Token": "x",
        "SubscribeURL": METADATA,
        "TopicArn": "arn:aws:sns:us-east-1:1:x",
    }
    notification = {
        "Type": "Notification",
        "UnsubscribeURL": METADATA,
        "SigningCertURL": METADATA,
        "Message": json.dumps(confirmation),
    }
    front.office.tell(json.dumps(confirmation), json.dumps(notification))
    assert called == []
    assert front.office.stage.metrics()["FeedbackUnreadable"] == 2


def test_no_id_that_a_visitor_sends_leads_to_another_call_of_stripes(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    front.signs_up()
    (account,) = front.accounts()
    asked: list[str] = []
    monkeypatch.setattr(
        type(wiring.services().stripe.checkout), "session", lambda _, session: asked.append(session)
    )
    token = token_to(account, "return")
    for id in (
        "../../v1/account",
        "..%2F..%2Fv1%2Faccount",
        "cs_1?expand[]=customer",
        "cs_1/expire",
        "cs_1#",
        "@evil.example/",
        "\r\nHost: x",
        "cs_1",
    ):
        assert front.call("GET", f"/billing/return/{token}?session_id={quote(id)}").status == 404
    assert asked == ["cs_1"], "and Stripe does not know that one"
