"""Every page without a violation of WCAG 2 at the levels A and AA, as axe-core finds them: in light
and dark, and those of the dashboard on a phone and on a desktop.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from chalicelib.domain.policy.languages import DEFAULT, LANGUAGES
from chalicelib.pages.admin.rendering import SECTIONS
from chalicelib.pages.rendering import page
from local.client import Client
from tests.fakes.customer_pages import every_page
from tests.system.browser.accessibility import violations
from tests.system.browser.conftest import DESKTOP, PHONE, Visitor
from tests.system.browser.test_dashboard_story import customer, signs_in

SCHEMES = ("light", "dark")
REFRESH = re.compile(r'<meta http-equiv="refresh"[^>]*>')
OPEN = "document.querySelectorAll('details').forEach((one) => { one.open = true })"


@pytest.fixture
def looking(chromium: Browser) -> Iterator[Page]:
    """A tab of a phone's width, as most customers have: the pages have one column on any screen."""
    context = chromium.new_context(viewport=PHONE)
    yield context.new_page()
    context.close()


def found_in(looking: Page, name: str) -> dict[str, list[str]]:
    """The violations of the page that is open, by its name and the colours it is shown in."""
    found = {}
    for scheme in SCHEMES:
        looking.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        if broken := violations(looking):
            found[f"{name}, {scheme}"] = broken
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_of_a_customer_breaks_a_rule_for_who_sees_or_hears_it_differently(
    looking: Page, language: str
) -> None:
    """But for one: a page that waits for an instance looks again by itself, without a script, which
    is rule 2.2.1. It says so, has the link beside it, and a mail tells the rest.
    """
    found: dict[str, list[str]] = {}
    refreshed = set()
    for shown in every_page(language):
        html = page(shown.template, language=language, root="", product="Acme", **shown.values)
        still, refreshes = REFRESH.subn("", html)
        if refreshes:
            refreshed.add(shown.template)
        looking.set_content(still)
        found |= found_in(looking, shown.name)
    assert found == {}
    assert refreshed == {"welcome"}


def test_no_page_of_the_dashboard_breaks_one(chromium: Browser, system: Client) -> None:
    account = customer(system, "<b>Ada</b> & Söhne")
    made, endpoint = system.post("/webhooks/endpoints", {"url": "http://127.0.0.1:40009/hooks"})
    assert made == 201, endpoint
    paths = [
        *(f"/admin{path}" for path, _ in SECTIONS),
        f"/admin/customers/{account}",
        f"/admin/customers/{account}/mails/welcome%40signup",
        "/admin/customers?q=nobody",
        f"/admin/webhooks?endpoint={endpoint['id']}",
        f"/admin/audit?account_id={account}",
        "/admin/customers/acc_nobody",
        "/admin/revenue?from=tomorrow",
    ]
    found: dict[str, list[str]] = {}
    for size in (PHONE, DESKTOP):
        context = chromium.new_context(viewport=size, bypass_csp=True)
        one = Visitor(context, system)
        one.goes_to("/admin/sign-in")
        found |= found_in(one.page, "sign-in")
        signs_in(one)
        for path in paths:
            one.goes_to(path)
            one.page.evaluate(OPEN)
            found |= found_in(one.page, path)
        one.goes_to(f"/admin/customers/{account}")
        one.page.click("#do-discount > summary")
        one.page.fill("#discount-coupon", "no such coupon!")
        one.page.click("#do-discount button")
        found |= found_in(one.page, "a form that was refused")
        context.close()
    assert found == {}


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ("<img src='data:,'>", "image-alt"),
        ("<input name='card'>", "label"),
        ("<p style='color: #999'>Your trial ends today.</p>", "color-contrast"),
        ("<button></button>", "button-name"),
    ],
)
def test_a_page_that_breaks_one_is_found(looking: Page, broken: str, rule: str) -> None:
    """Else the tests above could not fail."""
    html = page("check_inbox", language=DEFAULT, root="", product="Acme")
    looking.set_content(html.replace("</main>", f"{broken}</main>"))
    assert [one.partition(":")[0] for one in violations(looking)] == [rule]
