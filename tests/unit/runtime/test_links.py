"""The URLs of signed links."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.security.links import LinkRefused, link_for
from chalicelib.runtime.links import Links

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LINKS = Links("https://pay.acme.example", lambda: ["new key", "old key"])


def test_a_link_in_a_url_is_read_for_its_purpose_until_it_expires() -> None:
    link = link_for("sign-in", "acc_1", 2, NOW, "1772442000")
    start, _, token = LINKS.url(link).rpartition("/")
    assert start == "https://pay.acme.example/sign-in"
    assert LINKS.read(token, "sign-in", NOW) == link
    for purpose, now in (("billing", NOW), ("sign-in", NOW + timedelta(minutes=15))):
        with pytest.raises(LinkRefused):
            LINKS.read(token, purpose, now)


def test_a_link_that_an_older_key_signed_is_read_too() -> None:
    link = link_for("billing", "acc_1", 0, NOW)
    older = Links(LINKS.base_url, lambda: ["old key"])
    assert LINKS.read(older.token(link), "billing", NOW) == link
    with pytest.raises(LinkRefused):
        older.read(LINKS.token(link), "billing", NOW)


def test_a_checkout_returns_to_a_link_that_stripe_adds_the_session_to() -> None:
    completed, canceled = LINKS.checkout_urls(link_for("return", "acc_1", 0, NOW))
    address, _, query = completed.partition("?")
    start, _, token = address.rpartition("/")
    assert start == "https://pay.acme.example/billing/return"
    assert LINKS.read(token, "return", NOW).account_id == "acc_1"
    assert query == "session_id={CHECKOUT_SESSION_ID}"
    assert canceled == "https://pay.acme.example/billing?notice=canceled"


@pytest.mark.parametrize(
    ("base_url", "path"),
    [
        ("https://pay.acme.example", ""),
        ("https://x.execute-api.eu-west-1.amazonaws.com/api", "/api"),
        ("https://x.execute-api.eu-west-1.amazonaws.com/api/", "/api"),
    ],
)
def test_the_root_path_is_that_of_the_base_url(base_url: str, path: str) -> None:
    assert Links(base_url, list).root_path == path
