"""Requests become the events that API Gateway sends."""

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from chalice.app import Chalice, CORSConfig, Response

from local.aws.api_gateway import ApiGateway
from local.http_server import BODY_LIMIT, Server

app = Chalice(app_name="sample")
app.api.cors = CORSConfig(allow_origin="https://app.example.com")


@app.route("/things/{thing_id}/parts", cors=True)
def parts(thing_id: str) -> dict[str, Any]:
    return {"thing_id": thing_id, "event": app.current_request.to_original_event()}


@app.route("/things/mine/parts")
def mine() -> dict[str, Any]:
    return {"mine": True}


@app.route("/echo", methods=["POST"], content_types=["application/json", "text/plain"])
def echo() -> Response:
    request = app.current_request
    body = {"hex": request.raw_body.hex(), "base64": request.to_original_event()["isBase64Encoded"]}
    return Response(body, headers={"Set-Cookie": ["a=1", "b=2"]})


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server(0, ApiGateway(app))
    server.start()
    yield server
    server.close()


def call(
    server: Server,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, Any, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, json.loads(content) if content else None, answer.headers


def test_the_event_is_whole(server: Server) -> None:
    status, body, _ = call(
        server,
        "GET",
        "/things/a%2Fb/parts?q=1&q=%C3%A9+x&empty=",
        headers={"X-One": "1", "Host": "127.0.0.1:1"},
    )
    event = body["event"]
    assert status == 200
    assert body["thing_id"] == "a%2Fb", "API Gateway leaves path parameters encoded"
    assert (
        event["resource"] == event["requestContext"]["resourcePath"] == "/things/{thing_id}/parts"
    )
    assert event["path"] == "/things/a%2Fb/parts"
    assert event["multiValueQueryStringParameters"] == {"q": ["1", "é x"], "empty": [""]}
    assert event["queryStringParameters"] == {"q": "é x", "empty": ""}
    assert event["headers"]["X-One"] == "1"
    assert event["multiValueHeaders"]["X-One"] == ["1"]
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"
    assert event["requestContext"]["requestId"]
    assert event["body"] is None
    assert event["isBase64Encoded"] is False


@pytest.mark.parametrize("body", ["é\r\n😀".encode(), b"\xff\x00", b""])
def test_a_body_arrives_byte_for_byte(server: Server, body: bytes) -> None:
    status, answer, headers = call(server, "POST", "/echo", body, {"Content-Type": "text/plain"})
    assert status == 200
    assert bytes.fromhex(answer["hex"]) == body
    assert answer["base64"] == (body == b"\xff\x00")
    assert headers.get_all("Set-Cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nothing"), ("GET", "/things//parts"), ("OPTIONS", "/nothing")],
)
def test_what_does_not_exist_is_refused_as_the_gateway_responses_say(
    server: Server, method: str, path: str
) -> None:
    status, body, _ = call(server, method, path)
    assert (status, body["error"]["code"]) == (404, "not_found")


def test_a_method_that_no_view_declares_reaches_the_app(server: Server) -> None:
    status, _, headers = call(server, "DELETE", "/echo")
    assert (status, headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("sites", "sent"),
    [
        ((), None),
        (("https://acme.example",), "https://acme.example"),
        (("https://acme.example", "https://www.acme.example"), "*"),
    ],
)
def test_scripts_of_the_sites_may_read_the_errors_of_the_gateway_itself(
    sites: tuple[str, ...], sent: str | None
) -> None:
    gateway = ApiGateway(app, sites)
    server = Server(0, gateway, lambda path, answer: gateway.own_error(answer))
    server.start()
    try:
        missing = call(server, "GET", "/nothing")
        too_large = call(server, "POST", "/echo", b"x" * (BODY_LIMIT + 1))
    finally:
        server.close()
    assert (missing[0], too_large[0]) == (404, 413)
    assert {headers["Access-Control-Allow-Origin"] for _, _, headers in (missing, too_large)} == {
        sent
    }


def test_a_fixed_segment_wins_over_a_parameter(server: Server) -> None:
    assert call(server, "GET", "/things/mine/parts")[1] == {"mine": True}


def test_a_preflight_is_answered_without_the_app(server: Server) -> None:
    status, _, headers = call(server, "OPTIONS", "/things/1/parts")
    assert status == 200
    assert "GET" in headers["Access-Control-Allow-Methods"]


def test_ten_megabytes_pass_and_more_does_not(server: Server) -> None:
    plain = {"Content-Type": "text/plain"}
    assert call(server, "POST", "/echo", b"x" * BODY_LIMIT, plain)[0] == 200
    status, body, _ = call(server, "POST", "/echo", b"x" * (BODY_LIMIT + 1), plain)
    assert (status, body["error"]["code"]) == (413, "too_large")


def test_many_threads_do_not_see_each_others_requests(server: Server) -> None:
    wrong: list[str] = []

    def ask(thread: int) -> None:
        for number in range(30):
            name = f"{thread}-{number}"
            body = call(server, "GET", f"/things/{name}/parts", headers={"X-Name": name})[1]
            if body["thing_id"] != name or body["event"]["headers"]["X-Name"] != name:
                wrong.append(name)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_an_app_behind_many_gateways_stays_one_app() -> None:
    app = Chalice("many")
    ApiGateway(app)
    kind = type(app)
    ApiGateway(app)
    assert type(app) is kind
