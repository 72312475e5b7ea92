"""The example middlewares, each in a product of its own, and a Billhook that can be stopped."""

import asyncio
import importlib
import json
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.domain.security.signing_keys import SigningKey, write_keys
from chalicelib.runtime.access_tokens import AccessTokens, new_key
from local.http_server import Answer, Request, Server, error_answer, json_answer
from tests.fakes.grids import GRID
from tests.fakes.services import ROOT

EXAMPLES = ROOT / "examples" / "access"
NODE = shutil.which("node")
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
ACCESS = {
    "access": "full",
    "reason": "active",
    "plan": "pro",
    "features": ["projects"],
    "quantity": 3,
    "until": None,
}

PYTHON = ("fastapi", "django")
PRODUCTS = (*PYTHON, "express") if GRID == "full" and NODE else PYTHON
"""Express runs in node, so in the nightly run only."""


@dataclass
class Billhook:
    """Answers the three calls that the examples make, and can be stopped. `calls` are those that
    came; `now` is the time of everybody.
    """

    keys: list[SigningKey] = field(default_factory=lambda: [new_key(START - timedelta(days=1))])
    accounts: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {"acc_1": ACCESS, "acc_2": ACCESS}
    )
    now: datetime = START
    signs: bool = True
    is_stopped: bool = False
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = Server(0, self._answer)
        self.base = self._server.base
        self._server.start()

    def stop(self) -> None:
        """Take no more calls, and answer none on connections that are open."""
        self.is_stopped = True
        self._server.close()

    def passes(self, seconds: float) -> None:
        """Time passes."""
        self.now += timedelta(seconds=seconds)

    def token(self, account: str = "acc_1", issuer: str = "", until: datetime | None = None) -> str:
        """A token of now, without a call."""
        tokens = AccessTokens(issuer or self.base, lambda: write_keys(self.keys))
        told = {"account_id": account, **self.accounts[account]}
        return tokens.issue(told, None, until, self.now)[0]

    def _answer(self, request: Request) -> Answer:
        if self.is_stopped:
            return error_answer(502, "stopped", "Nobody is there.")
        self.calls.append(f"{request.method} {request.path}")
        if request.path == "/.well-known/jwks.json":
            tokens = AccessTokens(self.base, lambda: write_keys(self.keys))
            return json_answer(tokens.key_set(self.now))
        if request.headers["Authorization"] != "Bearer bh_key":
            return error_answer(401, "unauthorized", "A key is needed.")
        account = request.path.split("/")[2]
        if account not in self.accounts:
            return error_answer(404, "account_not_found", "There is no account of that id.")
        if not request.path.endswith("/token"):
            return json_answer({"account_id": account, **self.accounts[account]})
        if not self.signs:
            return error_answer(503, "unavailable", "There is no key.")
        return json_answer({"token": self.token(account), "expires_at": ""})


@pytest.fixture
def billhook() -> Iterator[Billhook]:
    started = Billhook()
    yield started
    started.stop()


@dataclass(frozen=True)
class Page:
    """What the product answered: `told` is the access that its view found, or the refusal;
    `cookie` the token that it keeps at the customer.
    """

    status: int
    told: dict[str, Any]
    cookie: str | None


Get = Callable[[str | None, str | None], Page]
"""One request to the product: who is signed in, and the token in the cookie."""


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """The example modules, imported as a product that copied them would."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module


@pytest.fixture(params=PRODUCTS)
def get(
    request: pytest.FixtureRequest, billhook: Billhook, modules: Callable[[str], Any]
) -> Iterator[Get]:
    """A product with one of the middlewares."""
    if request.param == "express":
        with express_product(billhook) as made:
            yield made
    else:
        yield python_product(request.param, billhook, modules)


def python_product(name: str, billhook: Billhook, modules: Callable[[str], Any]) -> Get:
    """A product in Python, by the name of its framework."""
    checker = modules("billhook_access").AccessChecker(
        billhook.base, "bh_key", lambda: billhook.now.timestamp()
    )
    made = {"fastapi": asgi_product, "django": django_product}[name]
    return made(modules(f"{name}_access"), checker)


def asgi_product(module: Any, checker: Any) -> Get:
    """An app that speaks ASGI, as FastAPI's do."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        access = scope.get("state", {}).get("access")
        body = json.dumps(access and {"level": access.level, "plan": access.plan}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    product = module.BillhookAccess(app, checker, lambda scope: scope["session"].get("account"))

    def get(account: str | None, token: str | None) -> Page:
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        headers = [(b"cookie", f"a=b; billhook_access={token}".encode())] if token else []
        scope = {"type": "http", "headers": headers, "session": {"account": account}}
        # in a thread of its own: the browser stories leave a loop running in this one
        serving = Thread(target=lambda: asyncio.run(product(scope, None, send)))
        serving.start()
        serving.join()
        start, body = sent
        cookies = [value.decode() for name, value in start["headers"] if name == b"set-cookie"]
        return Page(start["status"], json.loads(body["body"]), kept(cookies))

    return get


def django_product(module: Any, checker: Any) -> Get:
    """What Django gives to its middleware, and takes from it."""
    cookies: list[str] = []

    def answer(status: int, told: Any) -> SimpleNamespace:
        def set_cookie(name: str, value: str, **options: Any) -> None:
            flags = {"httponly": True, "secure": True, "samesite": "Lax"}
            assert flags.items() <= options.items()
            cookies.append(f"{name}={value}; Max-Age={options['max_age']}")

        return SimpleNamespace(status=status, told=told, set_cookie=set_cookie)

    def view(request: Any) -> Any:
        access = getattr(request, "access", None)
        return answer(200, access and {"level": access.level, "plan": access.plan})

    def refuse(request: Any, access: Any) -> Any:
        if access is None:
            return answer(503, {"error": "access_unknown"})
        return answer(402, {"error": "no_access", "reason": access.reason})

    middleware = module.access_middleware(
        checker, lambda request: request.session.get("account"), refuse
    )(view)

    def get(account: str | None, token: str | None) -> Page:
        cookies.clear()
        held = {"billhook_access": token} if token else {}
        response = middleware(SimpleNamespace(COOKIES=held, session={"account": account}))
        return Page(response.status, response.told, kept(cookies))

    return get


@contextmanager
def express_product(billhook: Billhook) -> Iterator[Get]:
    """A server of node with the middleware, which Express passes the same to."""
    assert NODE
    script = Path(__file__).with_name("express_product.mjs")
    command = [NODE, str(script), str(EXAMPLES / "billhook-access.mjs"), billhook.base]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        base = f"http://127.0.0.1:{process.stdout.readline().strip()}"

        def get(account: str | None, token: str | None) -> Page:
            headers = {"X-Now": str(billhook.now.timestamp())}
            headers |= {"X-Account": account} if account else {}
            headers |= {"Cookie": f"a=b; billhook_access={token}"} if token else {}
            try:
                answer = urllib.request.urlopen(urllib.request.Request(base, headers=headers))
            except urllib.error.HTTPError as refused:
                answer = refused
            with answer:
                cookies = answer.headers.get_all("Set-Cookie") or []
                return Page(answer.status, json.loads(answer.read()), kept(cookies))

        yield get
        process.kill()


def kept(cookies: list[str]) -> str | None:
    """The token in the cookie that an answer sets."""
    if not cookies:
        return None
    (cookie,) = cookies
    assert 0 < int(cookie.partition("Max-Age=")[2].partition(";")[0]) <= 15 * 60
    return cookie.partition("=")[2].partition(";")[0]
