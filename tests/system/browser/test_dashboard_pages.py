"""Every page of the dashboard, of a stage without a customer and of one that has been in use for
weeks, on a phone and on a desktop: what axe-core finds, what a keyboard or a narrow screen would
miss, and a picture for the docs where PICTURES=1 asks for it.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from chalicelib.pages.admin.rendering import SECTIONS
from tests.system.browser.accessibility import violations
from tests.system.browser.conftest import DESKTOP, PHONE, Visitor, presses
from tests.system.browser.example_customers import ExampleCustomers, lived_through
from tests.system.browser.test_dashboard_story import FAULTS, signs_in
from tests.system.browser.test_signup_story import picture
from tests.system.instances.test_instances import Stage, stage  # noqa: F401 - the fixture

NARROWEST = 320
"""CSS pixels. WCAG 2.2 asks for no scrolling sideways from there on (1.4.10): 400 % of 1280."""

OPEN = "document.querySelectorAll('details').forEach((one) => { one.open = true })"

PLAIN = ".scroll { background-image: none !important }"
"""Without the shadows that show that a table goes on: axe-core reads no colour above a picture."""

ON_A_DESKTOP = {
    "sign-in",
    "today",
    "customers",
    "customer-radia",
    "mail",
    "revenue",
    "trials",
    "payments",
    "messages",
    "deliveries",
    "health",
    "audit",
}
ON_A_PHONE = {"today", "customers", "customer-radia", "refused-sign-out", "revenue", "health"}
"""The pictures that docs/dashboard.md shows, of what is in view."""

NAMES = {path: path.strip("/") or "today" for path, _ in SECTIONS}

VISIBLE = """() => {
    const one = document.activeElement, style = getComputedStyle(one);
    const box = one.getBoundingClientRect();
    return {
        place: [...document.querySelectorAll("*")].indexOf(one),
        is_page: one === document.body,
        is_seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
            && box.width > 0 && box.right > 0 && box.bottom > 0 && box.top < innerHeight,
        html: one.outerHTML.slice(0, 120),
    };
}"""
"""What has the focus, and whether it can be seen that it has."""

REACHABLE = """() => [...document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, summary, [tabindex='0'], iframe"
)].filter((one) => one.checkVisibility()).length"""


class Looker:
    """An operator's browser of one size, which collects what is wrong with the pages."""

    def __init__(self, browser: Browser, stage: Stage, is_phone: bool) -> None:
        self.is_phone = is_phone
        self.context = browser.new_context(
            viewport=PHONE if is_phone else DESKTOP,
            device_scale_factor=2 if is_phone else 1,
            bypass_csp=True,
        )
        self.visitor = Visitor(self.context, stage.system)
        self.found: dict[str, list[str]] = {}

    @property
    def page(self) -> Page:
        return self.visitor.page

    def opens(self, path: str, name: str) -> None:
        """A page, with everything on it unfolded once its picture is taken."""
        self.visitor.goes_to(path)
        self.sees(name)

    def sees(self, name: str) -> None:
        """The page that is open. axe-core looks at it on a phone, where everything is closer
        together: first by every rule, then at the dark colours.
        """
        self.page.emulate_media(color_scheme="light")
        if name in (ON_A_PHONE if self.is_phone else ON_A_DESKTOP):
            ending = "-phone" if self.is_phone else ""
            picture(self.visitor, f"dashboard-{name}{ending}", whole=False)
        self.page.evaluate(OPEN)
        self.page.add_style_tag(content=PLAIN)
        wrong = list(self.page.evaluate(FAULTS))
        if self.is_phone:
            self.page.set_viewport_size({"width": NARROWEST, "height": 844})
            wrong += [f"{NARROWEST}: {one}" for one in self.page.evaluate(FAULTS)]
            self.page.set_viewport_size(PHONE)
            wrong += violations(self.page)
            self.page.emulate_media(color_scheme="dark")
            wrong += violations(self.page, only_colours=True)
        if wrong:
            self.found[name] = wrong


@pytest.fixture(params=[True, False], ids=["on a phone", "on a desktop"])
def looker(request: pytest.FixtureRequest, chromium: Browser, stage: Stage) -> Iterator[Looker]:
    made = Looker(chromium, stage, request.param)
    yield made
    made.context.close()


@pytest.fixture
def phone_looker(chromium: Browser, stage: Stage) -> Iterator[Looker]:
    made = Looker(chromium, stage, is_phone=True)
    yield made
    made.context.close()


@pytest.fixture(scope="module")
def customers(stage: Stage) -> ExampleCustomers:
    """Those of the stage, from the first test on that asks for them."""
    return lived_through(stage.system)


def test_no_page_of_an_empty_stage_breaks_a_rule(phone_looker: Looker) -> None:
    looker = phone_looker
    signs_in(looker.visitor)
    for path, name in NAMES.items():
        looker.opens(f"/admin{path}", f"empty-{name}")
    assert looker.found == {}
    assert looker.visitor.complaints == []


def test_no_page_of_a_stage_in_use_breaks_a_rule(
    looker: Looker, customers: ExampleCustomers
) -> None:
    looker.opens("/admin/sign-in", "sign-in")
    signs_in(looker.visitor)
    for path, name in NAMES.items():
        looker.opens(f"/admin{path}", name)
    for who in ("ada", "einkauf", "radia"):
        looker.opens(f"/admin/customers/{customers.accounts[who]}", f"customer-{who}")
    presses(looker.page, "section[aria-labelledby=mails] a")
    looker.page.locator("#text").evaluate("(one) => one.scrollIntoView()")
    looker.sees("mail")
    looker.opens(f"/admin/webhooks?endpoint={customers.endpoint}", "deliveries")
    looker.opens(f"/admin/audit?account_id={customers.accounts['ada']}", "audit-of-one")
    assert looker.found == {}
    assert looker.visitor.complaints == []


def test_no_page_that_says_no_breaks_a_rule(
    phone_looker: Looker, customers: ExampleCustomers
) -> None:
    looker = phone_looker
    signs_in(looker.visitor)
    page, account = looker.page, f"/admin/customers/{customers.accounts['grace']}"
    looker.opens("/admin/customers?q=nobody", "search-without-result")
    looker.opens("/admin/customers/acc_nobody", "not-found")
    looker.opens(f"{account}/mails/never%401?at=2026-03-02T09:00:00Z", "no-such-mail")
    looker.opens("/admin/revenue?from=tomorrow", "refused-days")
    for call, field, value in (
        ("discount", "coupon", "no such coupon!"),
        ("discount", "coupon", "NONE"),
        ("sign-out", "why", "A phone was lost"),
    ):
        looker.visitor.goes_to(account)
        page.click(f"#do-{call} > summary")
        page.fill(f"#{call}-{field}", value)
        page.evaluate(f"document.querySelector('#do-{call} form').noValidate = true")
        presses(page, f"#do-{call} button")
        assert page.input_value(f"#{call}-{field}") == value
        assert looker.visitor.reads("[role=alert]")
        looker.sees(f"refused-{call}")
    looker.visitor.goes_to(account)
    page.evaluate("document.querySelectorAll('[name=csrf]').forEach((one) => { one.value = 'x' })")
    presses(page, "header button")
    assert "not from your session" in looker.visitor.reads("main")
    looker.sees("forbidden")
    assert looker.found == {}


def test_a_refused_form_has_the_focus_at_what_is_wrong(
    phone_looker: Looker, customers: ExampleCustomers
) -> None:
    looker = phone_looker
    signs_in(looker.visitor)
    looker.visitor.goes_to(f"/admin/customers/{customers.accounts['grace']}")
    looker.page.click("#do-erase > summary")
    looker.page.evaluate("document.querySelector('#do-erase form').noValidate = true")
    presses(looker.page, "#do-erase button")
    assert looker.page.evaluate("document.activeElement.id") == "erase-sure"
    assert looker.visitor.reads("#erase-sure-error").endswith("Check the box to confirm it.")


@pytest.mark.parametrize("path", ["customers", "one customer", "health"])
def test_the_keyboard_reaches_all_that_can_be_used_and_shows_where_it_is(
    looker: Looker, customers: ExampleCustomers, path: str
) -> None:
    """In the order of the page, so the focus never jumps back."""
    signs_in(looker.visitor)
    path = f"customers/{customers.accounts['radia']}" if path == "one customer" else path
    looker.visitor.goes_to(f"/admin/{path}")
    looker.page.locator("main").click(position={"x": 1, "y": 1})
    looker.page.evaluate("window.scrollTo(0, 0); document.activeElement.blur()")
    looker.page.locator(".skip").focus()
    seen = [looker.page.evaluate(VISIBLE)]
    for _ in range(looker.page.evaluate(REACHABLE) + 5):
        looker.page.keyboard.press("Tab")
        now = looker.page.evaluate(VISIBLE)
        if now["is_page"] or now["place"] <= seen[-1]["place"]:
            break
        seen.append(now)
    assert len(seen) == looker.page.evaluate(REACHABLE)
    assert [one["html"] for one in seen if not one["is_seen"]] == []


def test_an_action_is_done_by_keyboard_alone(
    phone_looker: Looker, customers: ExampleCustomers
) -> None:
    looker = phone_looker
    signs_in(looker.visitor)
    keyboard = looker.page.keyboard
    looker.visitor.goes_to(f"/admin/customers/{customers.accounts['grace']}")
    looker.page.locator("#do-sign-out > summary").focus()
    for key in ("Enter", "Tab", "Space", "Tab"):
        keyboard.press(key)
    keyboard.type("A phone was lost")
    keyboard.press("Tab")
    keyboard.press("Enter")
    looker.page.wait_for_url("**notice=sign-out")
    assert "Every link and every session" in looker.visitor.reads("[role=status]")
    looker.sees("done")
    assert looker.found == {}
