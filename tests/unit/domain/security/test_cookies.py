"""Cookies in the header of a request, whatever stands beside them."""

import pytest

from chalicelib.domain.security.cookies import LONGEST_HEADER, cookie_values, set_cookie

OURS = "__Host-billhook_billing=a.b"


@pytest.mark.parametrize(
    "header",
    [
        OURS,
        f'theme={{"a":1}}; {OURS}',
        f"{OURS}; theme=[1, 2]",
        f"=; ;;{OURS};x",
        f"name with spaces=1; {OURS}",
        f"ünïcode=ä; {OURS}",
        '__Host-billhook_billing="a.b"',
        f"billhook_billing=old; {OURS}",
        f"x={'y' * 8000}; {OURS}",
    ],
)
def test_a_cookie_is_found_beside_whatever_others_there_are(header: str) -> None:
    assert cookie_values(header, "billhook_billing", is_https=True) == ["a.b"]


@pytest.mark.parametrize("header", [None, "", ";", "=", "__Host-billhook_billing", "x" * 100_000])
def test_a_header_without_the_cookie_has_no_value_of_it(header: str | None) -> None:
    assert cookie_values(header, "billhook_billing", is_https=True) == []


def test_of_a_cookie_that_is_there_twice_both_values_are_told() -> None:
    header = f"{OURS}; __Host-billhook_billing=c.d"
    assert cookie_values(header, "billhook_billing", is_https=True) == ["a.b", "c.d"]


def test_a_huge_header_is_read_no_further_than_any_browser_sends() -> None:
    header = f"{'x' * LONGEST_HEADER}; {OURS}"
    assert cookie_values(header, "billhook_billing", is_https=True) == []


def test_over_https_a_cookie_is_bound_to_its_host() -> None:
    written = set_cookie("billhook_billing", "a.b", 3600, is_https=True)
    assert written == f"{OURS}; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure"


def test_over_http_a_cookie_has_the_plain_name_as_browsers_refuse_the_other() -> None:
    written = set_cookie("billhook_billing", "a.b", 3600, is_https=False)
    assert written == "billhook_billing=a.b; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"
    assert cookie_values("billhook_billing=a.b", "billhook_billing", is_https=False) == ["a.b"]
