"""Checks access before each request of a FastAPI app (or any other that speaks ASGI).

    checker = AccessChecker("https://billing.example.com", os.environ["BILLHOOK_KEY"])
    app.add_middleware(BillhookAccess, checker=checker, account_of=account_of)
    app.add_middleware(SessionMiddleware, secret_key=…)    # added after it, so it runs before it

    def account_of(scope):    # the account of who is signed in, None for nobody
        return scope["session"].get("billhook_account")

A view finds the access in `request.state.access`. Who has none gets 402 with the reason, for your
pages to lead to Billhook's billing page.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import SimpleCookie
from typing import Any

from billhook_access import COOKIE, AccessChecker, AccessUnknown, Checked

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class BillhookAccess:
    """ASGI middleware. `open_to` are the levels of access with which a request goes on."""

    def __init__(
        self,
        app: App,
        checker: AccessChecker,
        account_of: Callable[[Scope], str | None],
        open_to: tuple[str, ...] = ("full", "limited"),
    ) -> None:
        self._app, self._checker = app, checker
        self._account_of, self._open_to = account_of, open_to

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        account = self._account_of(scope) if scope["type"] in ("http", "websocket") else None
        if account is None:
            await self._app(scope, receive, send)
            return
        try:
            # In a thread: most often it calls nobody, but it may.
            checked = await asyncio.to_thread(self._checker.check, _cookie(scope), account)
        except AccessUnknown:
            await _refuse(send, scope, 503, {"error": "access_unknown"})
            return
        if checked.access.level not in self._open_to:
            told = {"error": "no_access", "reason": checked.access.reason}
            await _refuse(send, scope, 402, told)
            return
        scope.setdefault("state", {})["access"] = checked.access
        await self._app(scope, receive, _with_cookie(send, checked))


def _cookie(scope: Scope) -> str | None:
    sent = [value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"]
    found = SimpleCookie("; ".join(sent)).get(COOKIE)
    return found.value if found else None


def _with_cookie(send: Send, checked: Checked) -> Send:
    """Has the answer keep a new token."""
    if checked.new_token is None:
        return send
    kept = (
        f"{COOKIE}={checked.new_token}; Max-Age={checked.seconds}; Path=/; HttpOnly; Secure;"
        " SameSite=Lax"
    )

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", []), (b"set-cookie", kept.encode())]
            message = {**message, "headers": headers}
        await send(message)

    return sending


async def _refuse(send: Send, scope: Scope, status: int, told: dict[str, str]) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(told).encode()})
