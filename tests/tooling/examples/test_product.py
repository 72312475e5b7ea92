"""The example product: it carries out what Billhook asks, and lets in who may use it."""

import contextlib
import json
import socket
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest

from chalicelib.domain.instances.drift import read_list
from chalicelib.domain.outgoing.signature import as_secret, signed_headers
from local.aws.emulator import free_port
from tests.fakes.services import ROOT
from tests.tooling.examples.conftest import ACCESS, Billhook

KEY = b"k" * 32
SECRET = as_secret(KEY)
BASE = "http://127.0.0.1:8100"


@dataclass
class Shop:
    """The product, and one customer's browser with its cookies."""

    billhook: Billhook
    product: Any
    cookies: dict[str, str] = field(default_factory=dict)

    def asks(self, action: str, request_id: str = "r.1", account: str = "acc_1") -> tuple[int, Any]:
        """Billhook asks for something, signed."""
        told = {
            "action": action,
            "account": {"id": account, "name": "Ada <b>", "email": "ada@example.com"},
            "request_id": request_id,
        }
        body = json.dumps(told).encode()
        return self.sends(signed_headers(request_id, body, [KEY], self.billhook.now), body)

    def sends(self, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        reply = self.product.answer("POST", "/instances", headers, body)
        return reply.status, json.loads(reply.body)

    def opens(self, url: str) -> Any:
        return self.goes("GET", url)

    def goes(self, method: str, url: str, body: bytes = b"") -> Any:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        reply = self.product.answer(method, url.removeprefix(BASE), {"cookie": cookies}, body)
        for name, value in reply.headers:
            if name == "Set-Cookie":
                kept, _, content = value.partition(";")[0].partition("=")
                self.cookies[kept] = content
        return reply

    def made(self) -> str:
        status, told = self.asks("create")
        assert (status, told["status"]) == (200, "ready")
        return str(told["url"])


@pytest.fixture
def shop(
    billhook: Billhook, modules: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> Shop:
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "product"))
    workspaces = modules("workspaces").Workspaces()
    product = modules("product").Product(
        BASE, billhook.base, "bh_key", SECRET, workspaces, lambda: billhook.now.timestamp()
    )
    return Shop(billhook, product)


def test_the_same_request_gives_the_same_instance_however_often(shop: Shop) -> None:
    first = shop.asks("create")
    assert shop.asks("create") == first
    assert shop.asks("create", "r.2") == first, "one workspace for an account"
    assert shop.asks("create", "r.3", "acc_2") != first


def test_an_old_request_that_comes_again_changes_nothing(shop: Shop) -> None:
    url = shop.made()
    assert shop.asks("suspend", "r.2")[1]["status"] == "suspended"
    assert shop.asks("resume", "r.3")[1]["status"] == "ready"
    assert shop.asks("suspend", "r.2")[1]["status"] == "suspended", "the answer of then"
    assert "First steps" in shop.opens(url).body


def test_a_deleted_instance_is_gone_and_a_new_one_is_another(shop: Shop) -> None:
    url = shop.made()
    assert shop.asks("delete", "r.2") == (200, {"status": "deleted"})
    assert shop.opens(url).status == 404
    assert shop.asks("delete", "r.3")[0] == 404, "which is as good as done"
    assert shop.asks("create", "r.4")[1]["url"] != url


@pytest.mark.parametrize("action", ["create", "suspend"])
def test_a_request_with_a_wrong_or_old_signature_is_refused(shop: Shop, action: str) -> None:
    body = json.dumps({"action": action, "account": {"id": "acc_1"}, "request_id": "r"}).encode()
    now = shop.billhook.now
    signed = signed_headers("r", body, [KEY], now)
    wrong = signed | {"webhook-signature": "v1," + b64encode(b"x" * 32).decode()}
    old = signed_headers("r", body, [KEY], now - timedelta(minutes=6))
    for headers in (
        wrong,
        old,
        {},
        *(signed | {"webhook-timestamp": at} for at in ("soon", "9" * 5000)),
    ):
        assert shop.sends(headers, body)[0] == 401
    assert shop.sends(signed, body + b" ")[0] == 401


def test_the_list_of_workspaces_is_for_who_signs(shop: Shop) -> None:
    shop.asks("create", "r.1", "acc_2")
    shop.asks("create", "r.2", "acc_1")
    shop.asks("suspend", "r.3", "acc_2")
    signed = signed_headers("list_1", b"", [KEY], shop.billhook.now)
    reply = shop.product.answer("GET", "/instances", signed, b"")
    listed = {"acc_1": "ready", "acc_2": "suspended"}
    assert (reply.status, read_list(reply.body)) == (200, listed)
    for headers in ({}, signed | {"webhook-id": "list_2"}):
        assert shop.product.answer("GET", "/instances", headers, b"").status == 401


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"action": "explode", "account": {}}'])
def test_a_request_that_cannot_be_read_is_refused(shop: Shop, body: bytes) -> None:
    assert shop.sends(signed_headers("r", body, [KEY], shop.billhook.now), body)[0] == 400


def test_what_the_customer_does_is_reported_and_kept(shop: Shop) -> None:
    url = shop.made()
    assert shop.goes("POST", f"{url}/connected_data").status == 303
    assert "POST /accounts/acc_1/milestones" in shop.billhook.calls
    assert shop.goes("POST", f"{url}/reports", b"text=Third+%3Cquarter%3E").status == 303
    page = shop.opens(url).body
    assert "Connect your data: done" in page
    assert "Third &lt;quarter&gt;" in page
    assert "Ada &lt;b&gt;" in page
    assert "Third" not in shop.opens(shop.asks("create", "r.9", "acc_2")[1]["url"]).body


def test_a_report_that_billhook_did_not_hear_is_made_with_the_next_one(shop: Shop) -> None:
    url = shop.made()
    shop.opens(url)
    shop.product._billhook, told = Deaf(), shop.product._billhook
    shop.goes("POST", f"{url}/connected_data")
    shop.product._billhook = told
    shop.goes("POST", f"{url}/invited_team")
    assert shop.billhook.calls.count("POST /accounts/acc_1/milestones") == 2
    shop.goes("POST", f"{url}/invited_team")
    assert shop.billhook.calls.count("POST /accounts/acc_1/milestones") == 2


class Deaf:
    def report(self, *_: object) -> None:
        raise OSError


def test_limited_access_reads_and_does_not_write(shop: Shop) -> None:
    url = shop.made()
    shop.goes("POST", f"{url}/reports", b"text=Kept")
    shop.billhook.accounts["acc_1"] = ACCESS | {"access": "limited", "reason": "past_due"}
    shop.billhook.passes(901)
    page = shop.opens(url)
    assert page.status == 200
    assert "Your last payment failed." in page.body
    assert "Kept" in page.body
    assert "<form" not in page.body
    assert shop.goes("POST", f"{url}/reports", b"text=More").status == 402
    assert "More" not in shop.opens(url).body


def test_who_is_locked_out_is_told_why_and_is_in_at_once_after_paying(shop: Shop) -> None:
    url = shop.made()
    shop.billhook.accounts["acc_1"] = ACCESS | {"access": "none", "reason": "trial_expired"}
    page = shop.opens(url)
    assert page.status == 402
    assert "Your trial has ended." in page.body
    assert f"{url.removeprefix(BASE)}/billing" in page.body
    assert shop.goes("POST", f"{url}/connected_data").status == 402
    assert dict(shop.opens(f"{url}/billing").headers)["Location"] == f"{shop.billhook.base}/sign-in"
    shop.asks("suspend", "r.2")
    shop.billhook.accounts["acc_1"] = ACCESS
    assert "being opened again" in shop.opens(url).body
    shop.asks("resume", "r.3")
    assert "First steps" in shop.opens(url).body


def test_access_is_checked_without_billhook_until_the_token_ends(shop: Shop) -> None:
    url = shop.made()
    shop.opens(url)
    shop.billhook.stop()
    shop.billhook.passes(890)
    assert shop.opens(url).status == 200
    assert shop.goes("POST", f"{url}/reports", b"text=Offline").status == 303
    shop.billhook.passes(11)
    assert shop.opens(url).status == 503


def test_an_address_that_does_not_exist_tells_nothing(shop: Shop) -> None:
    for path in ("/", "/w", "/w/guess", "/w/guess/billing", "/../etc/passwd"):
        assert shop.goes("GET", path).status == 404
    assert shop.opens("/style.css").kind == "text/css"


@pytest.mark.parametrize(
    "header", ["Transfer-Encoding: chunked", "Content-Length: -1", "Content-Length: 70000"]
)
def test_a_body_of_unknown_or_too_great_length_ends_the_connection(
    shop: Shop, modules: Callable[[str], Any], header: str
) -> None:
    server = modules("product").server(shop.product, free_port())
    Thread(target=server.serve_forever, daemon=True).start()
    with closing(socket.create_connection(server.server_address)) as connection:
        request = f"POST /instances HTTP/1.1\r\nHost: product\r\n{header}\r\n\r\n"
        connection.sendall(request.encode() + b"GET /style.css HTTP/1.1\r\nHost: product\r\n\r\n")
        connection.settimeout(10)
        answered = b""
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65536):
                answered += part
    server.shutdown()
    server.server_close()
    assert answered.startswith(b"HTTP/1.1 413 ")
    assert answered.count(b"HTTP/1.1 ") == 1
