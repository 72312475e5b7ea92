"""Calls to a running system: its HTTP API, its control room, and webhooks signed as Stripe signs
them.
"""

import hashlib
import hmac
import http.client
import json
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

TIMEOUT_SECONDS = 120


class Unreachable(Exception):
    """Nobody answers there."""


class Client:
    """One caller of the system at `base`. Each call has a connection of its own, so many threads
    may share a client.
    """

    def __init__(self, base: str, api_key: str | None = None) -> None:
        self.base = base.rstrip("/")
        self.api_key = api_key

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Status and body; JSON is read, anything else is text. Raises Unreachable."""
        parts = urlsplit(self.base)
        connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS
        )
        authorization = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        try:
            connection.request(method, parts.path + path, body, authorization | (headers or {}))
            answer = connection.getresponse()
            content = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"{self.base} does not answer: {error}") from error
        finally:
            connection.close()
        is_json = answer.headers.get_content_type() == "application/json"
        return answer.status, json.loads(content) if is_json and content else content

    def post(self, path: str, content: Any = None) -> tuple[int, Any]:
        """Post JSON."""
        return self.call(
            "POST", path, json.dumps(content).encode(), {"Content-Type": "application/json"}
        )

    def state(self) -> dict[str, Any]:
        """`/_local/state`, whose API key is used from then on."""
        state = _expect(200, self.call("GET", "/_local/state"))
        self.api_key = state["api_key"]
        return state

    def now(self) -> int:
        """The system's clock, in whole Unix seconds."""
        return unix_seconds(self.state())

    def settle(self) -> dict[str, Any]:
        """Wait until all is at rest; the state then."""
        return _expect(200, self.post("/_local/settle"))

    def move_clock(self, to: int) -> dict[str, Any]:
        """Move the clock forward to a Unix second, unless that has passed; wait until all is at
        rest; the state then.
        """
        state = self.state()
        if to <= unix_seconds(state):
            return self.settle()
        status, body = self.post("/_local/clock", {"to": to})
        if status == 400 and body["error"].get("field") == "to":
            # The second has passed since the look at the state: the clock goes on by
            # itself too.
            return self.settle()
        return _expect(200, (status, body))

    def send_event(self, event: dict[str, Any], secret: str, now: int) -> tuple[int, Any]:
        """Deliver an event as Stripe does."""
        payload = json.dumps(event, indent=2, ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(payload, secret, now),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        return self.call("POST", "/webhooks/stripe", payload, headers)

    def mail(self, account_id: str | None = None, after: int = 0) -> list[dict[str, Any]]:
        """The mails after that number, to one account or to all."""
        status, mails = self.call(
            "GET",
            f"/_local/mail?after={after}"
            + (f"&account_id={quote(account_id, safe='')}" if account_id else ""),
        )
        if status != 200:
            raise RuntimeError(f"the mailbox answered {status}: {mails}")
        found: list[dict[str, Any]] = mails
        return found

    def access(self, account_id: str) -> dict[str, Any] | None:
        """What the account may use; None if there is no such account yet."""
        return self._about(account_id, "/access")

    def account(self, account_id: str) -> dict[str, Any] | None:
        """The account; None if there is none yet."""
        return self._about(account_id, "")

    def _about(self, account_id: str, what: str) -> dict[str, Any] | None:
        status, body = self.call("GET", f"/accounts/{quote(account_id, safe='')}{what}")
        return None if status == 404 else _expect(200, (status, body))


def signature(payload: bytes, secret: str, now: int) -> str:
    """The Stripe-Signature header for exactly these bytes, signed at the Unix second `now`."""
    digest = hmac.new(secret.encode(), f"{now}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={now},v1={digest}"


def unix_seconds(state: dict[str, Any]) -> int:
    """The clock of a state, in whole Unix seconds."""
    return int(datetime.fromisoformat(state["now"]).timestamp())


def _expect(status: int, answer: tuple[int, Any]) -> dict[str, Any]:
    if answer[0] != status:
        raise RuntimeError(f"expected {status}, got {answer[0]}: {answer[1]}")
    content: dict[str, Any] = answer[1]
    return content
