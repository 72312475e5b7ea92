"""axe-core, which looks at a page in a browser for what WCAG 2 forbids at the levels A and AA."""

from functools import cache
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
"""The tags of axe-core's rules: WCAG 2.0, 2.1 and 2.2 at the levels A and AA."""

OF_COLOURS = ("color-contrast", "link-in-text-block")
"""The rules that other colours of the same page may break."""

_RUN = """async ([type, values]) => (await axe.run(document, {
    runOnly: {type, values}, resultTypes: ["violations"],
})).violations.map((one) => `${one.id}: ${one.help}: `
    + one.nodes.map((node) => node.html.slice(0, 160)).slice(0, 3).join(" | "))"""


def violations(page: Page, only_colours: bool = False) -> list[str]:
    """What axe-core finds against the page that is open: a sentence for each rule that is broken,
    with the first elements that break it. With `only_colours`, for a page that was looked at
    before in others.
    """
    # Kept by set_content; it is half a megabyte.
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(_script())
    rules = ["rule", list(OF_COLOURS)] if only_colours else ["tag", list(RULES)]
    found: Any = page.evaluate(_RUN, rules)
    return [str(one) for one in found]


@cache
def _script() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
