"""Every page of a customer without a violation of WCAG 2 at the levels A and AA, as axe-core finds
them, in light and dark. Those of the dashboard are in test_dashboard_pages.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from chalicelib.domain.policy.languages import DEFAULT, LANGUAGES
from chalicelib.pages.rendering import page
from tests.fakes.customer_pages import every_page
from tests.system.browser.accessibility import violations
from tests.system.browser.conftest import PHONE

SCHEMES = ("light", "dark")
REFRESH = re.compile(r'<meta http-equiv="refresh"[^>]*>')


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
        if broken := violations(looking, only_colours=scheme == "dark"):
            found[f"{name}, {scheme}"] = broken
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_of_a_customer_breaks_a_rule_for_who_sees_or_hears_it_differently(
    looking: Page, language: str
) -> None:
    """But for one: a page that waits for an instance looks again by itself, without a script, which
    axe-core finds wrong by rule 2.2.1 although a link on the page stops it.
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
        assert not refreshes or 'id="stop"' in html, shown.name
    assert found == {}
    assert refreshed == {"welcome"}


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
