"""A person with a browser on the customer's pages of a stage, with the simulated
Stripe behind it."""

import re
from dataclasses import dataclass
from email.message import Message as Headers
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from app import app
from chalicelib.domain.account.state import Account
from chalicelib.entry.pages.session import cookie
from chalicelib.runtime import wiring
from local.aws.api_gateway import ApiGateway
from local.http_server import Request
from tests.http.actions.test_actions import Shop


@dataclass
class Page:
    status: int
    text: str
    headers: dict[str, str]

    @property
    def leads_to(self) -> str:
        """Where it leads, without the host."""
        parts = urlsplit(self.headers["Location"])
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def says(self, id: str) -> str:
        """The text of an element."""
        found = re.search(rf'id="{id}"[^>]*>(.*?)</(?:h1|dd|p|strong)>', self.text, re.DOTALL)
        assert found, (id, self.text)
        return re.sub("<[^>]*>", "", found[1]).strip()

    def form(self, id: str) -> dict[str, str]:
        """The hidden fields of a form."""
        found = re.search(rf'id="{id}">(.*?)</form>', self.text, re.DOTALL)
        assert found, (id, self.text)
        return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', found[1]))


@dataclass
class Person:
    """Opens pages and presses buttons."""

    shop: Shop
    cookie: str = ""

    @property
    def account(self) -> Account:
        found = wiring.accounts().load(self.shop.account)
        assert found
        return found

    @property
    def subscription(self) -> Any:
        return self.shop.sim.engine.store.all("subscription")[0]

    def enters(self) -> "Person":
        self.cookie = cookie("billing-visit", self.account).partition(";")[0]
        return self

    def gets(self, path: str) -> Page:
        return self.asks("GET", path)

    def posts(self, path: str, site: str = "same-origin", **fields: Any) -> Page:
        body = urlencode(fields).encode()
        return self.asks(
            "POST",
            path,
            body,
            **{"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": site},
        )

    def asks(self, method: str, path: str, body: bytes = b"", **sent: str) -> Page:
        """One request with these headers, and with the cookie of the session."""
        headers, parts = Headers(), urlsplit(path)
        for name, value in (sent | ({"Cookie": self.cookie} if self.cookie else {})).items():
            headers[name] = value
        answer = ApiGateway(app)(
            Request(method, parts.path, parse_qsl(parts.query), headers, body, "127.0.0.1")
        )
        return Page(answer.status, answer.body.decode(), dict(answer.headers))
