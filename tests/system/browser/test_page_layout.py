"""Every page in every language fits the narrowest phone and a desktop: long German words and large
amounts too.
"""

import pytest
from playwright.sync_api import Browser

from chalicelib.domain.policy.languages import LANGUAGES
from chalicelib.pages.rendering import page
from tests.fakes.customer_pages import every_page

NARROWEST, DESKTOP = 320, 1280
"""CSS pixels. WCAG 2.2 asks for no scrolling sideways from 320 on (1.4.10)."""

STICKS_OUT = """() => {
    const width = document.documentElement.clientWidth;
    const outside = [...document.querySelectorAll("main *")].filter(
        (one) => one.getBoundingClientRect().right > width + 0.5);
    return document.documentElement.scrollWidth > width || outside.length > 0;
}"""


@pytest.mark.parametrize("width", [NARROWEST, DESKTOP])
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_is_wider_than_the_screen(language: str, width: int, chromium: Browser) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 700})
    opened = context.new_page()
    too_wide = []
    for shown in every_page(language):
        opened.set_content(
            page(shown.template, language=language, root="", product="Acme", **shown.values)
        )
        if opened.evaluate(STICKS_OUT):
            too_wide.append(shown.name)
    context.close()
    assert too_wide == []
