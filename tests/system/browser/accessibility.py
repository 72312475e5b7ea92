"""axe-core, which looks at a page in a browser for what WCAG 2 forbids at the levels A and AA."""

from functools import cache
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
"""The tags of axe-core's rules: WCAG 2.0, 2.1 and 2.2 at the levels A and AA."""

_RUN = """async (rules) => (await axe.run(document, {
    runOnly: {type: "tag", values: rules}, resultTypes: ["violations"],
})).violations.map((one) => `${one.id}: ${one.help}: `
    + one.nodes.map((node) => node.html.slice(0, 160)).slice(0, 3).join(" | "))"""


def violations(page: Page) -> list[str]:
    """What axe-core finds against the page that is open: a sentence for each rule that is broken,
    with the first elements that break it.
    """
    page.evaluate(_script())
    found: Any = page.evaluate(_RUN, list(RULES))
    return [str(one) for one in found]


@cache
def _script() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
