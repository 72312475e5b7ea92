"""Too much of anything: bodies, nesting, queries, headers. Each is refused as what it is, and none
is a failure of ours.
"""

import json

from chalicelib.entry.http.responses import LARGEST_BODY
from chalicelib.entry.pages.session import COOKIES
from tests.fakes.links import token_to, visit_of
from tests.fakes.routes import ROUTES, content_type, target
from tests.http.signups.test_signups import Front, Page

JSON = "application/json"


def everywhere(
    front: Front, body: bytes = b"", query: str = "", kind: str | None = None, **sent: str
) -> dict[str, Page]:
    """Every route's answer to somebody with a good key, good cookies and a good link."""
    (account,) = front.accounts() or [None]
    assert account
    key = {"Authorization": f"Bearer {front.office.stage.key('write')}"}
    cookies = "; ".join(visit_of(account, purpose) for purpose in COOKIES)
    token = token_to(account, "unsubscribe", "lifecycle")
    return {
        f"{method} {template}": front.call(
            method,
            target(template, account.id, token) + query,
            b"" if method == "GET" else body,
            Content_Type=kind or content_type(method, template),
            **({"Cookie": cookies} | key | sent),
        )
        for method, template in ROUTES
    }


def test_a_body_that_is_larger_than_any_call_has_is_refused_at_every_route(front: Front) -> None:
    front.signs_up()
    answers = everywhere(front, b"x" * (LARGEST_BODY + 1))
    taking = {
        route
        for route in answers
        if not route.startswith(("GET ", "OPTIONS ")) and "/webhooks/" not in route
    }
    assert len(taking) > 8
    assert {route: answers[route].status for route in taking} == dict.fromkeys(taking, 413)
    assert answers["POST /webhooks/stripe"].status == 400, (
        "its own limit is higher; this one is not signed"
    )
    refusal = answers["POST /signups"].json["error"]
    assert refusal["code"] == "too_large"


def test_json_as_deep_as_a_body_can_be_is_refused(front: Front) -> None:
    front.signs_up()
    half = (LARGEST_BODY - 100) // 2
    for body in (
        b"[" * half + b"]" * half,
        b'{"a":' * (half // 3) + b"1" + b"}" * (half // 3),
        b'{"attributes":' + b"[" * half,
    ):
        answers = everywhere(front, body, kind=JSON)
        assert not {route: page.status for route, page in answers.items() if page.status >= 500}
        assert not {
            route
            for route, page in answers.items()
            if page.status < 400 and route.startswith("POST /accounts")
        }
    for body in (
        b"NaN",
        b'{"quantity": 1e999}',
        b'{"quantity": ' + b"9" * 5000 + b"}",
        b'{"a": 1, "a": 2}',
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"\x00",
    ):
        assert not {
            route: page.status
            for route, page in everywhere(front, body, kind=JSON).items()
            if page.status >= 500
        }, body


def test_queries_and_headers_without_measure_break_nothing(front: Front) -> None:
    front.signs_up()
    queries = [
        "?" + "a" * 20_000,
        "?email=" + "x" * 20_000,
        "?" + "&".join(f"p{n}=1" for n in range(2000)),
        "?cursor=" + "A" * 20_000,
    ]
    queries += [
        "?session_id=" + "9" * 20_000,
        "?email=%00&external_id=%ff",
        "?notice=" + "%f0%9f%92%a9" * 1000,
        "?email[]=x&email[$ne]=1",
    ]
    for query in queries:
        assert not {
            route: page.status
            for route, page in everywhere(front, query=query).items()
            if page.status >= 500
        }, query[:40]
    for sent in (
        {"Cookie": "x=" + "y" * 50_000},
        {"Cookie": ";".join(f"c{n}=1" for n in range(3000))},
        {"Authorization": "Bearer " + "x" * 50_000},
    ):
        assert not {
            route: page.status
            for route, page in everywhere(front, **sent).items()
            if page.status >= 500
        }


def test_a_form_of_thousands_of_fields_is_refused(front: Front) -> None:
    front.signs_up()
    body = "&".join(f"f{number}=1" for number in range(5000)).encode()
    answers = everywhere(front, body)
    assert not {route: page.status for route, page in answers.items() if page.status >= 500}
    assert answers["POST /signups"].status in (400, 413)
    assert json.loads(answers["GET /healthz"].text) == {"status": "ok"}
