"""The local system used from its control room alone, in a real browser."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from local.client import Client
from tests.system.browser.conftest import DESKTOP, PHONE, Visitor, presses
from tests.system.browser.test_signup_story import address, fits, picture


@pytest.fixture(scope="module")
def fresh(start_system: Callable[[], Client]) -> Client:
    """A system of its own, whose trials are all of this file."""
    return start_system()


@pytest.fixture(params=["with script", "without script"])
def owner(request: pytest.FixtureRequest, chromium: Browser, fresh: Client) -> Iterator[Visitor]:
    """Somebody who runs the system; the second time without JavaScript."""
    context = chromium.new_context(
        viewport=DESKTOP, java_script_enabled=request.param == "with script"
    )
    yield Visitor(context, fresh)
    context.close()


def signs_up_on_the_site(owner: Visitor, name: str) -> str:
    """From the control room to the welcome page and back; the address."""
    email = address()
    presses(owner.page, "nav >> text=Example site")
    owner.page.fill("#signup-email", email)
    owner.page.fill("#signup-name", name)
    presses(owner.page, "text=Start my free trial")
    owner.page.wait_for_url("**/welcome")
    owner.goes_to("/_local")
    presses(owner.page, "#settle")
    assert owner.reads("#notice") == "The system is idle."
    return email


def row(owner: Visitor, email: str) -> str:
    return owner.reads(f"tr:has-text('{email}')")


def opened_by(owner: Visitor, click: Callable[[], None]) -> Page:
    """The page that a click opens in a new tab."""
    with owner.page.context.expect_page() as opened:
        click()
    opened.value.wait_for_load_state()
    return opened.value


def goes_home(page: Page) -> None:
    presses(page, "#home")
    assert page.inner_text("h1") == "Control room"


def test_a_visitor_becomes_a_paying_customer_from_the_control_room_alone(owner: Visitor) -> None:
    page = owner.page
    owner.goes_to("/_local")
    without_card = signs_up_on_the_site(owner, "Grace Hopper")
    email = signs_up_on_the_site(owner, "Ada Byron")
    assert "trialing" in row(owner, email)

    presses(page, f"li:has-text('{email}') >> a")
    assert page.inner_text("h1") == "Your Acme trial has begun"
    card_link = page.frame_locator("iframe").locator("text=add a card")
    billing = opened_by(owner, card_link.click)
    presses(billing, "#open button")
    presses(billing, "#add-card button")
    assert str(billing.get_attribute("#home", "href")).endswith("/_local")
    billing.check("input[value='4242424242424242']")
    presses(billing, "#submit")
    billing.wait_for_url("**/billing?notice=card_saved")

    presses(page, "nav >> text=Control room")
    presses(page, "text=To the trial’s end")
    assert owner.reads("#notice") == "The clock has moved."
    assert "active" in row(owner, email)
    assert "no access" in row(owner, without_card)

    billing = opened_by(owner, lambda: page.click(f"tr:has-text('{email}') >> text=Billing page"))
    assert billing.inner_text("#status") == "active"
    assert "$49.00" in billing.inner_text("#invoices")
    presses(page, f"tr:has-text('{email}') >> text=Timeline")
    assert "invoice.paid" in owner.reads("table")
    presses(page, "text=Control room >> nth=0")
    presses(page, f"tr:has-text('{email}') >> text=Stripe")
    assert "active: 1 × $49.00 a month" in owner.reads("main")
    goes_home(page)
    presses(page, "nav >> text=Stripe")
    assert "Ada Byron" in owner.reads("main")
    goes_home(page)
    presses(page, "nav >> text=Sent requests")
    assert "POST /v1/checkout/sessions" in owner.reads("table")
    presses(page, "nav >> text=Control room")
    signs_up_on_the_site(owner, "Alan Turing")
    page.set_viewport_size({"width": 1280, "height": 1060})
    owner.goes_to("/_local")
    picture(owner, "control-room", whole=False)
    assert not owner.complaints


def test_the_clock_and_the_stream_are_moved_and_switched_by_hand(owner: Visitor) -> None:
    owner.goes_to("/_local")
    before = owner.system.now()
    owner.page.fill("#advance", "2h")
    presses(owner.page, "#move")
    assert owner.reads("#notice") == "The clock has moved."
    assert owner.system.now() >= before + 2 * 3600
    owner.page.fill("#advance", "a fortnight")
    presses(owner.page, "#move")
    assert "such as 3d, 12h" in owner.reads("#problem")
    assert owner.page.input_value("#advance") == "a fortnight", "it can be corrected"
    owner.goes_to("/_local")
    presses(owner.page, "#stream")
    assert owner.reads("#stream") == "Switch the stream on"
    presses(owner.page, "#stream")
    assert owner.reads("#stream") == "Switch the stream off"


def test_the_control_room_fits_a_phone(chromium: Browser, fresh: Client) -> None:
    context = chromium.new_context(
        viewport=PHONE, device_scale_factor=2, is_mobile=True, has_touch=True
    )
    phone = Visitor(context, fresh)
    phone.goes_to("/_local")
    signs_up_on_the_site(phone, "Grace Hopper")
    for path in ("", "/mailbox", "/mailbox/1", "/outgoing", "/intercom", "/stripe", "/site/"):
        phone.goes_to(f"/_local{path}")
        fits(phone)
    context.close()
