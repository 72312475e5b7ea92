"""HEAD, OPTIONS and the methods that no route declares, over HTTP, at every route."""

import http.client
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from local.client import Client
from local.http_server import BODY_LIMIT
from tests.fakes.routes import ROUTES, target

GETS = [template for method, template in ROUTES if method == "GET"]
TEMPLATES = sorted({template for _, template in ROUTES})
METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
OF_THE_MOMENT = {"date", "set-cookie"}
"""Headers whose values differ from one answer to the next."""


@dataclass
class Answer:
    status: int
    body: bytes
    headers: http.client.HTTPMessage

    @property
    def lasting(self) -> list[tuple[str, str]]:
        """The headers, without values that hold a time."""
        return sorted(
            (name.lower(), "" if name.lower() in OF_THE_MOMENT else value)
            for name, value in self.headers.items()
        )


@dataclass
class Visitor:
    """A customer with all that opens a route: a key, cookies, links by purpose."""

    system: Client
    account_id: str
    headers: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def asks(self, method: str, path: str, **headers: str) -> Answer:
        parts = urlsplit(self.system.base)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        connection.request(method, path, headers=self.headers | headers)
        answer = connection.getresponse()
        found = Answer(answer.status, answer.read(), answer.headers)
        connection.close()
        return found

    def paths(self, template: str) -> set[str]:
        """The route's paths: of this customer, and of nobody."""
        own = self.links.get(template.split("/")[1], "")
        return {target(template, self.account_id, own or "x"), target(template, "acc_nobody")}


@pytest.fixture(scope="module")
def visitor(system: Client) -> Visitor:
    status, body = system.post("/signups", {"email": "head@example.com"})
    assert status == 201, body
    system.settle()
    system.post("/signups", {"email": "head@example.com"})  # has a link to sign in mailed
    system.settle()
    made = Visitor(system, body["account_id"], {"Authorization": f"Bearer {system.api_key}"})
    made.links["welcome"] = body["welcome_url"].rpartition("/")[2]
    for mail in system.mail(made.account_id):
        for purpose, token in re.findall(rf"{system.base}/([a-z-]+)/([\w.-]+)", mail["text"]):
            made.links[purpose] = token
    assert {"welcome", "billing", "sign-in", "unsubscribe"} <= made.links.keys()
    return made


@pytest.mark.parametrize("template", GETS)
def test_head_is_answered_as_get_is_without_a_body(visitor: Visitor, template: str) -> None:
    for path in visitor.paths(template):
        head, get = visitor.asks("HEAD", path), visitor.asks("GET", path)
        assert head.body == b""
        assert (head.status, head.lasting) == (get.status, get.lasting), path
        assert int(head.headers["Content-Length"]) == len(get.body)


def test_head_uses_no_link_up_and_changes_no_account(visitor: Visitor) -> None:
    def known() -> tuple[bytes, bytes]:
        account, timeline = f"/accounts/{visitor.account_id}", "/timeline"
        return visitor.asks("GET", account).body, visitor.asks("GET", account + timeline).body

    before = known()
    for purpose, token in visitor.links.items():
        path = f"/{purpose}/{token}"
        statuses = {visitor.asks("HEAD", path).status for _ in range(3)}
        assert statuses == {visitor.asks("GET", path).status} <= {200, 303}, purpose
    assert known() == before


@pytest.mark.parametrize("template", TEMPLATES)
def test_options_names_the_methods_of_a_route(visitor: Visitor, template: str) -> None:
    answer = visitor.asks("OPTIONS", target(template))
    declared = {method for method, other in ROUTES if other == template}
    assert (answer.status, answer.body) == (204, b"")
    assert set(answer.headers["Allow"].split(", ")) == (
        declared | {"OPTIONS"} | ({"HEAD"} if "GET" in declared else set())
    )


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_method_that_a_route_does_not_have_is_refused_with_those_that_it_has(
    visitor: Visitor, template: str
) -> None:
    declared = {method for method, other in ROUTES if other == template}
    for method in sorted(set(METHODS) - declared):
        answer = visitor.asks(method, target(template))
        assert (answer.status, b'"method_not_allowed"' in answer.body) == (405, True), method
        assert answer.headers["Allow"] == visitor.asks("OPTIONS", target(template)).headers["Allow"]


def test_a_body_that_the_gateway_itself_refuses_is_no_network_error_for_a_listed_site(
    visitor: Visitor,
) -> None:
    parts = urlsplit(visitor.system.base)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    connection.request(
        "POST",
        "/signups",
        b"x" * (BODY_LIMIT + 1),
        {"Origin": "https://acme.example", "Content-Type": "application/json"},
    )
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 413
    assert answer.headers["Access-Control-Allow-Origin"] in ("*", "https://acme.example")
