"""Every page, with the headers that it is sent with, breaks none of its own rules in a browser: no
style, script, image or form that its Content-Security-Policy forbids.
"""

import pytest
from playwright.sync_api import Browser, Page, Route

from chalicelib.domain.policy.languages import DEFAULT
from chalicelib.domain.policy.policy import PagesPolicy
from chalicelib.pages.admin.rendering import SECTIONS
from chalicelib.pages.rendering import headers, page
from local.client import Client
from tests.fakes.customer_pages import Shown, every_page
from tests.system.browser.conftest import Visitor
from tests.system.browser.test_dashboard_story import customer, signs_in

SITE = "https://billing.example.com/"
BRANDED = PagesPolicy("#0a7d4f", "https://acme.example/logo.svg")
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'


class Browsing:
    """A tab that is served one page after another, and what the browser says against them."""

    def __init__(self, chromium: Browser) -> None:
        self.complaints: list[str] = []
        self.served = ("", {"": ""})
        self.context = chromium.new_context()
        self.tab: Page = self.context.new_page()
        self.tab.on("console", lambda said: self.complaints.append(said.text))
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.context.route("**/*", self.answer)

    def answer(self, route: Route) -> None:
        url = route.request.url
        if url == BRANDED.logo_url:
            route.fulfill(content_type="image/svg+xml", body=LOGO)
        elif url.startswith(SITE) and not url.endswith("/favicon.ico"):
            html, sent = self.served
            route.fulfill(headers=sent, body=html)
        else:
            self.complaints.append(f"asks for {url}")
            route.abort()

    def opens(self, html: str, brand: PagesPolicy) -> list[str]:
        """What the browser says against the page."""
        self.complaints = []
        self.served = html, {name: str(value) for name, value in headers(brand).items()}
        self.tab.goto(SITE)
        return self.complaints


def html_of(shown: Shown, brand: PagesPolicy) -> str:
    values = shown.values
    return page(shown.template, brand=brand, language=DEFAULT, root="", product="Acme", **values)


def test_no_page_breaks_its_own_content_policy(chromium: Browser) -> None:
    browsing = Browsing(chromium)
    opened = {
        shown.name: browsing.opens(html_of(shown, BRANDED), BRANDED)
        for shown in every_page(DEFAULT)
    }
    browsing.context.close()
    assert len(opened) > 50
    assert {name: said for name, said in opened.items() if said} == {}


@pytest.mark.parametrize(
    "foreign",
    [
        "<script>document.title = 'mine'</script>",
        '<p onclick="0" style="color: red">',
        '<img src="https://evil.example/x.png">',
        "<style>p { color: red }</style>",
        '<iframe src="https://evil.example"></iframe>',
        '<link rel="stylesheet" href="https://evil.example/x.css">',
    ],
)
def test_a_browser_says_so_where_a_page_breaks_it(foreign: str, chromium: Browser) -> None:
    """Else the test above could not fail; and what gets into a page does nothing there."""
    browsing = Browsing(chromium)
    html = html_of(Shown("check-inbox", "check_inbox"), PagesPolicy())
    complaints = browsing.opens(html.replace("</main>", f"{foreign}</main>"), PagesPolicy())
    assert complaints, foreign
    assert all("Content Security Policy" in said for said in complaints)
    assert browsing.tab.title() != "mine"
    browsing.context.close()


def test_no_page_of_the_dashboard_breaks_its_own(chromium: Browser, system: Client) -> None:
    account = customer(system, "<p style='color: red'>Ada</p>")
    context = chromium.new_context()
    operator = Visitor(context, system)
    signs_in(operator)
    for path in (*(below for below, _ in SECTIONS), f"/customers/{account}"):
        operator.goes_to(f"/admin{path}")
    assert operator.complaints == []
    red = '<p style="color: red">'
    operator.page.evaluate(f"document.body.insertAdjacentHTML('beforeend', '{red}')")
    assert "Content Security Policy" in operator.complaints[0], "else the test could not fail"
    context.close()
