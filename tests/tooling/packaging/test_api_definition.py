"""What is added to the definition of the API: every method, and headers of gateway responses."""

from typing import Any

import pytest

from ops.package.api_definition import (
    ANY_METHOD,
    add_error_headers,
    error_headers,
    pass_every_method,
)

OF_ALL = {
    "X-Content-Type-Options": "'nosniff'",
    "Cache-Control": "'no-store'",
    "Referrer-Policy": "'no-referrer'",
    "Content-Security-Policy": "'default-src; base-uri; frame-ancestors'",
    "Strict-Transport-Security": "'max-age=31536000'",
}


def test_every_path_gets_a_method_for_all_that_no_view_declares() -> None:
    paths: dict[str, Any] = {
        "/things/{id}": {
            "get": {
                "summary": "One thing.",
                "consumes": ["application/json"],
                "parameters": [{"name": "id", "in": "path"}],
                "x-amazon-apigateway-integration": {"uri": "the function"},
            }
        }
    }
    pass_every_method(paths)
    assert paths["/things/{id}"][ANY_METHOD] == {
        "parameters": [{"name": "id", "in": "path"}],
        "x-amazon-apigateway-integration": {"uri": "the function"},
    }


@pytest.mark.parametrize(
    ("sites", "sent"),
    [
        ((), {}),
        (
            ("https://a.example",),
            {"Access-Control-Allow-Origin": "https://a.example", "Vary": "Origin"},
        ),
        (("https://a.example", "https://b.example"), {"Access-Control-Allow-Origin": "*"}),
    ],
)
def test_one_site_is_named_and_of_several_any_may_read(
    sites: tuple[str, ...], sent: dict[str, str]
) -> None:
    assert error_headers(sites) == sent


def test_headers_that_a_response_has_already_stay() -> None:
    responses: dict[str, Any] = {
        "THROTTLED": {"ResponseParameters": {"Headers": {"Retry-After": "'1'"}}},
        "DEFAULT_5XX": {},
    }
    add_error_headers(responses, ("https://a.example",))
    named = {"Access-Control-Allow-Origin": "'https://a.example'", "Vary": "'Origin'"} | OF_ALL
    assert responses["THROTTLED"]["ResponseParameters"]["Headers"] == {"Retry-After": "'1'"} | named
    assert responses["DEFAULT_5XX"]["ResponseParameters"]["Headers"] == named


def test_without_sites_only_what_every_response_has_is_added() -> None:
    responses: dict[str, Any] = {"DEFAULT_4XX": {}}
    add_error_headers(responses, ())
    assert responses == {"DEFAULT_4XX": {"ResponseParameters": {"Headers": OF_ALL}}}
