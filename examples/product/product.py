"""A small product that lives with Billhook: a workspace for each customer.

Run it with the address of Billhook, an API key of scope `write`, and the secret of instances:

    BILLHOOK_URL=… BILLHOOK_KEY=bh_… INSTANCE_SECRET=whsec_… python product.py

It needs Python 3.11 and the package `cryptography`. It has no sign-in: who knows the address of a
workspace is in. Yours has one, and asks `workspace` only for who is signed in.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

sys.path.append(str(Path(__file__).resolve().parents[1] / "access"))

import pages
from billhook_access import COOKIE, AccessChecker, AccessUnknown, Checked
from billhook_calls import Billhook, is_signed
from workspaces import Workspace, Workspaces

LARGEST_BODY = 64 * 1024
ACTIONS = frozenset({"create", "suspend", "resume", "delete"})

RULES = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    body: str = ""
    kind: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


class Product:
    """Answers the product's requests. `base` is its own address, `billhook` and `key` those of
    Billhook, `secret` what Billhook signs its requests with. `clock` tells Unix seconds.
    """

    def __init__(
        self,
        base: str,
        billhook: str,
        key: str,
        secret: str,
        workspaces: Workspaces,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._base, self._secret, self._clock = base, secret, clock
        self._workspaces = workspaces
        self._checker = AccessChecker(billhook, key, clock)
        self._billhook = Billhook(billhook, key)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer to any request."""
        match method, path.strip("/").split("/"):
            case "POST", ["instances"]:
                return self.provision(headers, body)
            case "GET", ["instances"]:
                return self.listed(headers, body)
            case "GET", ["style.css"]:
                return Reply(200, pages.STYLE, "text/css")
            case _, ["w", name, *rest] if workspace := self._workspaces.find(name):
                return self.workspace(method, workspace, "/".join(rest), headers, body)
        return Reply(404, pages.not_found())

    def provision(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """What Billhook asks: create, suspend, resume or delete a customer's workspace."""
        if not is_signed(self._secret, headers, body, self._clock()):
            return _json(401, {"error": "The signature is wrong, or too old."})
        try:
            told = json.loads(body)
            if told["action"] not in ACTIONS:
                return _json(400, {"error": "There is no such action."})
            return _json(*self._workspaces.provision(told, self._base))
        except (ValueError, KeyError, TypeError):
            return _json(400, {"error": "The request cannot be read."})

    def listed(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """The list of all workspaces, which Billhook compares with its own."""
        if not is_signed(self._secret, headers, body, self._clock()):
            return _json(401, {"error": "The signature is wrong, or too old."})
        return _json(200, {"instances": self._workspaces.all()})

    def workspace(
        self,
        method: str,
        workspace: Workspace,
        what: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Reply:
        """A customer's request to their workspace."""
        if what == "billing" and method == "GET":  # open to all: who is locked out must get there
            return _see(self._billhook.billing_url(workspace.account_id))
        try:
            checked = self._access_of(workspace, headers)
        except AccessUnknown:
            return Reply(503, pages.unknown_access(), headers=(("Retry-After", "60"),))
        access, kept = checked.access, self._cookie(checked, workspace)
        if access.level == "none":
            return Reply(402, pages.locked(workspace, access.reason), headers=kept)
        if workspace.status == "suspended":
            return Reply(200, pages.opening(), headers=kept)
        if method == "POST":
            if access.level != "full":
                return Reply(402, pages.limited_workspace(workspace, access), headers=kept)
            return self._do(workspace, what, body, kept)
        if what:
            return Reply(404, pages.not_found(), headers=kept)
        shown = pages.open_workspace if access.level == "full" else pages.limited_workspace
        return Reply(200, shown(workspace, access), headers=kept)

    def _access_of(self, workspace: Workspace, headers: Mapping[str, str]) -> Checked:
        """By the token in the browser's cookie without a call, else by a new one. Only tokens of
        full access are kept: a customer who pays is let in at once, not when a token ends.
        """
        return self._checker.check(_token_in(headers.get("cookie", "")), workspace.account_id)

    def _cookie(self, checked: Checked, workspace: Workspace) -> tuple[tuple[str, str], ...]:
        if not checked.new_token or checked.access.level != "full":
            return ()
        secure = " Secure;" if self._base.startswith("https://") else ""
        kept = (
            f"{COOKIE}={checked.new_token}; Max-Age={checked.seconds}; Path=/w/{workspace.name};"
            f"{secure} HttpOnly; SameSite=Lax"
        )
        return (("Set-Cookie", kept),)

    def _do(
        self, workspace: Workspace, what: str, body: bytes, kept: tuple[tuple[str, str], ...]
    ) -> Reply:
        if what in pages.STEPS:
            self._workspaces.reach(workspace, what, self._now())
            self._report(workspace)
        elif what == "reports":
            text = parse_qs(body.decode(errors="replace")).get("text", [""])[0].strip()
            if text:
                self._workspaces.write(workspace, text[:200])
        else:
            return Reply(404, pages.not_found(), headers=kept)
        return _see(f"/w/{workspace.name}", kept)

    def _report(self, workspace: Workspace) -> None:
        """Tell Billhook what the customer has done, with all that it could not be told before."""
        for milestone, at in self._workspaces.unreported(workspace):
            try:
                self._billhook.report(workspace.account_id, milestone, at)
            except OSError:
                return  # told with the next one
            self._workspaces.reported(workspace, milestone)

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).isoformat().replace("+00:00", "Z")


def _token_in(cookies: str) -> str | None:
    try:
        found = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return None
    return found.value if found else None


def _see(url: str, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    return Reply(303, headers=(("Location", url), *headers))


def _json(status: int, content: dict[str, Any]) -> Reply:
    return Reply(status, json.dumps(content), "application/json")


class Handler(BaseHTTPRequestHandler):
    """Carries requests to `product`."""

    product: Product
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        """Answer."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers:  # what is not read would be the next request
            length = "unknown"
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            self.close_connection = True
            self._send(Reply(413, pages.not_found()))
            return
        self._answer(self.rfile.read(int(length)))

    do_POST = do_GET

    def _answer(self, body: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = urlsplit(self.path).path
        if self.command == "POST" and headers.get("sec-fetch-site") == "cross-site":
            self._send(Reply(403, pages.not_found()))  # a form on somebody else's page
            return
        self._send(self.product.answer(self.command, path, headers, body))

    def _send(self, reply: Reply) -> None:
        content = reply.body.encode()
        self.send_response(reply.status)
        for name, value in (
            ("Content-Type", reply.kind),
            ("Content-Length", str(len(content))),
            ("Content-Security-Policy", RULES),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            *reply.headers,
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: the path of a workspace lets in whoever reads it."""


def server(product: Product, port: int | None) -> ThreadingHTTPServer:
    """A server of this product on loopback; without a port, one that takes no port by itself."""
    kind = type("ProductHandler", (Handler,), {"product": product})
    return ThreadingHTTPServer(("127.0.0.1", port or 0), kind, port is not None)


def main() -> None:
    """Serve until the process ends."""
    port = int(os.environ.get("PORT", "8100"))
    base = os.environ.get("PRODUCT_URL", f"http://127.0.0.1:{port}")
    workspaces = Workspaces(os.environ.get("DATABASE", ":memory:"))
    billhook, key = os.environ["BILLHOOK_URL"], os.environ["BILLHOOK_KEY"]
    product = Product(base, billhook, key, os.environ["INSTANCE_SECRET"], workspaces)
    server(product, port).serve_forever()


if __name__ == "__main__":
    main()
