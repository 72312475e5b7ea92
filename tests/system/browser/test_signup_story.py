"""From the form on a marketing site to a paying customer, in a real browser."""

import os
import re
import secrets
from pathlib import Path

from tests.system.browser.conftest import Visitor, presses

PICTURES = Path(__file__).parents[3] / "docs" / "pictures"
MAILED_LINK = re.compile(r"http://127\.0\.0\.1:\d+/(?:billing|sign-in)/\S+")


def picture(visitor: Visitor, name: str, whole: bool = True) -> None:
    """Keep a picture of the page for the docs, where PICTURES=1 asks for it; of the whole page, or
    of what is in view.
    """
    if os.environ.get("PICTURES"):
        PICTURES.mkdir(exist_ok=True)
        visitor.page.screenshot(path=PICTURES / f"{name}.png", full_page=whole)


def address() -> str:
    return f"ada-{secrets.token_hex(4)}@example.com"


def signs_up(visitor: Visitor, email: str) -> None:
    """Sends the form. Whoever calls waits for what comes: a script shows a refusal on this page."""
    visitor.goes_to("/_local/site/")
    visitor.page.fill("#signup-email", email)
    visitor.page.fill("#signup-name", "Ada Byron")
    visitor.page.click("text=Start my free trial")


def opens_billing(visitor: Visitor, email: str, step: str = "welcome") -> None:
    link = MAILED_LINK.search(visitor.latest_mail(step, email))
    assert link
    visitor.goes_to(link.group(0))
    if visitor.page.query_selector("#open"):  # a browser with a session is led on at once
        presses(visitor.page, "#open button")
    assert visitor.page.url.endswith("/billing"), "the token is out of the address"


def saves_card(visitor: Visitor, number: str) -> None:
    visitor.page.check(f"input[value='{number}']")
    presses(visitor.page, "#submit")


def test_a_visitor_becomes_a_paying_customer(visitor: Visitor) -> None:
    email = address()
    signs_up(visitor, email)
    visitor.page.wait_for_url("**/welcome")
    assert visitor.reads("#status") == "Welcome to Acme"
    assert visitor.reads("#until")
    opens_billing(visitor, email)
    assert visitor.reads("#status") == "trialing"
    assert visitor.reads("#card") == "none on file"
    presses(visitor.page, "#add-card button")
    assert visitor.reads("#what") == "Save a card"
    saves_card(visitor, "4242424242424242")
    visitor.page.wait_for_url("**/billing?notice=card_saved")
    assert visitor.reads("#notice") == "Your card is saved."
    assert visitor.reads("#card") == "Visa ending 4242, expires 12/34"
    visitor.system.move_clock(visitor.system.now() + 15 * 86400)
    opens_billing(visitor, email)
    assert visitor.reads("#status") == "active"
    assert "$49.00" in visitor.reads("#invoices")
    assert not visitor.complaints


def test_the_bank_asks_and_the_customer_confirms(visitor: Visitor) -> None:
    email = address()
    signs_up(visitor, email)
    visitor.page.wait_for_url("**/welcome")
    opens_billing(visitor, email)
    presses(visitor.page, "#add-card button")
    saves_card(visitor, "4000000000000002")
    assert visitor.reads("#problem") == "Your card was declined."
    saves_card(visitor, "4000002760003184")
    presses(visitor.page, "#authorize")
    visitor.page.wait_for_url("**/billing?notice=card_saved")
    assert visitor.reads("#card") == "Visa ending 3184, expires 12/34"


def test_a_trial_that_ran_out_is_bought_later_from_the_portal_page(visitor: Visitor) -> None:
    email = address()
    signs_up(visitor, email)
    visitor.page.wait_for_url("**/welcome")
    visitor.system.move_clock(visitor.system.now() + 20 * 86400)
    opens_billing(visitor, email)
    assert visitor.reads("#status") == "paused"
    presses(visitor.page, "#add-card button")
    saves_card(visitor, "4242424242424242")
    visitor.page.wait_for_url("**/billing?notice=card_saved")
    assert visitor.reads("#status") == "active"
    presses(visitor.page, "#portal button")
    assert "4242" in visitor.reads("#card")
    presses(visitor.page, "text=Cancel subscription")
    presses(visitor.page, "#back")
    visitor.system.settle()
    visitor.goes_to("/billing")
    assert visitor.reads("#headline") == "Your subscription ends"


def test_who_signs_up_twice_is_told_to_look_into_the_inbox_and_gets_in_by_the_link_there(
    visitor: Visitor,
) -> None:
    email = address()
    signs_up(visitor, email)
    visitor.page.wait_for_url("**/welcome")
    visitor.system.settle()
    signs_up(visitor, email)
    visitor.page.wait_for_selector("text=/inbox/i")
    opens_billing(visitor, email, "sign_in")
    assert visitor.reads("#status") == "trialing"


def test_a_mistake_is_told_in_words(visitor: Visitor) -> None:
    signs_up(visitor, "ada@mailinator.com")
    visitor.page.wait_for_selector("text=throw-away")
    assert not [said for said in visitor.complaints if "400" not in said]


def test_every_page_fits_a_phone_and_names_its_fields(phone: Visitor) -> None:
    email = address()
    phone.goes_to("/_local/site/")
    fits(phone, "site-phone")
    signs_up(phone, email)
    phone.page.wait_for_url("**/welcome")
    fits(phone, "welcome-phone")
    opens_billing(phone, email)
    fits(phone, "billing-trial-phone")
    presses(phone.page, "#add-card button")
    fits(phone, "checkout-phone")
    phone.goes_to("/billing/no-such-token")
    fits(phone, "link-refused-phone")
    phone.system.move_clock(phone.system.now() + 20 * 86400)
    opens_billing(phone, email, "ended")
    fits(phone, "billing-paused-phone")
    for width in (320, 360):
        phone.page.set_viewport_size({"width": width, "height": 700})
        fits(phone)


def fits(visitor: Visitor, name: str = "") -> None:
    """Nothing to scroll sideways, one heading, and a name for every field that people see."""
    page = visitor.page
    # A click returns once the next page has begun: it may not be there yet.
    page.wait_for_load_state()
    assert page.locator("html").evaluate("root => root.scrollWidth <= root.clientWidth"), name
    assert page.locator("h1").count() == 1
    fields = page.locator("input:not([type=hidden]), select, textarea")
    assert [
        field.get_attribute("name")
        for field in fields.all()
        if not field.evaluate("field => field.labels.length")
    ] == []
    assert page.evaluate("document.documentElement.lang") == "en"
    if name:
        picture(visitor, name)


def test_the_pictures_of_the_docs_are_of_pages_that_are_there(visitor: Visitor) -> None:
    email = address()
    visitor.goes_to("/_local/site/")
    picture(visitor, "site")
    signs_up(visitor, email)
    visitor.page.wait_for_url("**/welcome")
    picture(visitor, "welcome")
    opens_billing(visitor, email)
    picture(visitor, "billing-trial")
    presses(visitor.page, "#add-card button")
    picture(visitor, "checkout")
    saves_card(visitor, "4242424242424242")
    visitor.page.wait_for_url("**/billing?notice=card_saved")
    picture(visitor, "billing-card-saved")
    visitor.system.move_clock(visitor.system.now() + 15 * 86400)
    opens_billing(visitor, email)
    picture(visitor, "billing-active")
    assert visitor.reads("#headline") == "Your subscription is active"
