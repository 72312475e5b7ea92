"""A product with the example middleware goes on while the billing system is stopped: it checks
tokens by itself until they end.
"""

import http.client
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.aws.emulator import free_port
from tests.fakes.services import ROOT
from tests.system.conftest import systems
from tests.tooling.examples.conftest import asgi_product, modules  # noqa: F401 - the fixture


def test_a_product_serves_its_customers_with_the_billing_system_stopped_until_their_tokens_end(
    modules: Callable[[str], Any],
) -> None:
    passed = [0.0]
    with systems() as start:
        system = start()
        status, body = system.post("/signups", {"email": "ada@example.com"})
        assert status == 201, body
        account = body["account_id"]
        checker = modules("billhook_access").AccessChecker(
            system.base, system.api_key, lambda: time.time() + passed[-1]
        )
        get = asgi_product(modules("fastapi_access"), checker)
        signed_in = get(account, None)
        assert signed_in.told == {"level": "full", "plan": "pro"}
        assert signed_in.cookie
    for seconds in (0.0, 600.0, 880.0):
        passed.append(seconds)
        page = get(account, signed_in.cookie)
        assert (page.status, page.told) == (200, {"level": "full", "plan": "pro"})
    assert get(account, None).status == 503, "who has no token yet is not let in"
    passed.append(901.0)
    assert get(account, signed_in.cookie).status == 503


def test_the_last_token_of_a_trial_ends_with_it(modules: Callable[[str], Any]) -> None:
    """However long the billing system is stopped, nobody stays in who did not pay."""
    with systems() as start:
        system = start()
        _, body = system.post("/signups", {"email": "eve@example.com"})
        account = body["account_id"]
        _, access = system.call("GET", f"/accounts/{account}/access")
        assert access["reason"] in ("trial_starting", "trialing")
        system.settle()
        _, access = system.call("GET", f"/accounts/{account}/access")
        assert system.post("/_local/clock", {"advance": "13d"})[0] == 200
        assert system.post("/_local/clock", {"advance": "1430m"})[0] == 200
        status, told = system.post(f"/accounts/{account}/access/token", {})
        assert (status, told["expires_at"]) == (200, access["until"])


def test_the_example_product_serves_workspaces_with_the_billing_system_stopped(
    modules: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The very product that `make run` starts, here in a time of its own."""
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "product"))
    passed, secret = [0.0], "whsec_c2VjcmV0IG9mIHRoZSBleGFtcGxlIHByb2R1Y3Q="
    base = f"http://127.0.0.1:{free_port()}"
    policy = tmp_path / "billing.toml"
    table = f'[instance]\ntarget = "{base}/instances"\nhosts = ["127.0.0.1"]\n'
    policy.write_text((ROOT / "chalicelib" / "billing.toml").read_text() + table)
    product = modules("product")
    with systems() as start:
        system = start(POLICY=str(policy), INSTANCE_SECRET=secret)
        made = product.Product(
            *(base, system.base, system.api_key, secret, modules("workspaces").Workspaces()),
            lambda: time.time() + passed[-1],
        )
        server = product.server(made, urlsplit(base).port)
        Thread(target=server.serve_forever, daemon=True).start()
        with closing(Browser(base)) as browser:
            _, body = system.post("/signups", {"email": "ada@example.com"})
            system.settle()
            account = system.account(body["account_id"])
            assert account
            url = account["instance"]["url"]
            assert url.startswith(f"{base}/w/")
            assert browser.opens(url) == 200
            assert browser.cookie
            assert browser.opens(f"{url}/connected_data", "POST") == 303
    with closing(Browser(base, browser.cookie)) as browser:
        for seconds in (0.0, 600.0, 880.0):
            passed.append(seconds)
            assert browser.opens(url) == 200
            assert browser.opens(f"{url}/reports", "POST") == 303
        passed.append(901.0)
        assert browser.opens(url) == 503
    server.shutdown()
    server.server_close()


class Browser:
    """Keeps the newest cookie."""

    def __init__(self, base: str, cookie: str = "") -> None:
        parts = urlsplit(base)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        self.cookie = cookie

    def opens(self, url: str, method: str = "GET") -> int:
        headers = {"Cookie": self.cookie} if self.cookie else {}
        self._connection.request(method, urlsplit(url).path, b"text=x", headers)
        answer = self._connection.getresponse()
        answer.read()
        self.cookie = answer.headers.get("Set-Cookie", self.cookie).partition(";")[0]
        return answer.status

    def close(self) -> None:
        self._connection.close()
