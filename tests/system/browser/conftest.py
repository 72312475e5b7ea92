"""A real browser, where there is one. With BROWSER_CHECKS=required its absence fails instead of
leaving the checks out.
"""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    sync_playwright,
)

from local.client import Client

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIETLY = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
)
LEFT_OUT = "Chromium is not installed: browser checks are left out"
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's own Chromium, headless: Playwright's download of one is not asked for."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        if os.environ.get("BROWSER_CHECKS") == "required":
            pytest.fail(f"{LEFT_OUT}, and BROWSER_CHECKS=required forbids that")
        pytest.skip(LEFT_OUT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIETLY))
        yield browser
        browser.close()


def presses(page: Page, control: str | Locator) -> None:
    """Presses what leads to another page, which is there and whole then: a click alone returns
    before the new page is read, and what is asked next would be asked of half a page.
    """
    with page.expect_navigation():
        page.locator(control).first.click() if isinstance(control, str) else control.click()


class Visitor:
    """A person with a browser: goes to pages, and remembers what the browser complained about (a
    broken policy for content, a failed script).
    """

    def __init__(self, context: BrowserContext, system: Client) -> None:
        self.system = system
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, said: ConsoleMessage) -> None:
        """No page has an icon, and every browser asks for one."""
        if said.type in {"error", "warning"} and not said.location["url"].endswith("/favicon.ico"):
            self.complaints.append(said.text)

    def goes_to(self, path: str) -> None:
        self.page.goto(path if path.startswith("http") else self.system.base + path)

    def reads(self, selector: str) -> str:
        return self.page.inner_text(selector).strip()

    def latest_mail(self, step: str, to: str) -> str:
        """The text of the newest mail of a step to an address, once everything is at rest."""
        self.system.settle()
        found = [mail for mail in self.system.mail() if mail["step"] == step and mail["to"] == to]
        assert found, f"no mail of the step {step} to {to}"
        return str(found[-1]["text"])


@pytest.fixture(params=["with script", "without script"])
def visitor(request: pytest.FixtureRequest, chromium: Browser, system: Client) -> Iterator[Visitor]:
    """Once with JavaScript and once without: every page works either way."""
    context = chromium.new_context(
        viewport=DESKTOP,
        java_script_enabled=request.param == "with script",
        timezone_id="Europe/Vienna",
    )
    yield Visitor(context, system)
    context.close()


@pytest.fixture
def phone(chromium: Browser, system: Client) -> Iterator[Visitor]:
    """A browser as wide as a phone."""
    context = chromium.new_context(
        viewport=PHONE, device_scale_factor=2, is_mobile=True, has_touch=True
    )
    yield Visitor(context, system)
    context.close()
