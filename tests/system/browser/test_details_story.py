"""A customer changes name, language and address on a phone, and gets the old address back."""

import re

from tests.system.browser.conftest import PHONE, Visitor, presses
from tests.system.browser.test_signup_story import address, fits, opens_billing, signs_up


def follows(visitor: Visitor, step: str, to: str, purpose: str) -> None:
    """Open the link of a purpose in the newest mail of a step."""
    link = re.search(rf"http://\S+/{purpose}/\S+", visitor.latest_mail(step, to))
    assert link, f"no {purpose} link to {to}"
    visitor.goes_to(link.group(0))


def test_a_customer_moves_to_another_address_and_back(visitor: Visitor) -> None:
    visitor.page.set_viewport_size(PHONE)
    old, new = address(), address()
    signs_up(visitor, old)
    visitor.page.wait_for_url("**/welcome")
    opens_billing(visitor, old)
    presses(visitor.page, "#details")
    fits(visitor)
    visitor.page.fill("#name", "Ada King")
    visitor.page.select_option("#timezone", "Europe/Vienna")
    presses(visitor.page, "#details button")
    assert visitor.reads("#notice") == "Your details are saved."

    presses(visitor.page, "#details")
    presses(visitor.page, "#change-email")
    fits(visitor)
    presses(visitor.page, "#sign-in button")
    follows(visitor, "sign_in", old, "sign-in")
    fits(visitor)
    presses(visitor.page, "#open button")
    presses(visitor.page, "#details")
    presses(visitor.page, "#change-email")
    fits(visitor)
    visitor.page.fill("#new-email input", new)
    presses(visitor.page, "#new-email button")
    assert visitor.reads("#notice").startswith("We have sent a mail to the new address.")

    follows(visitor, "confirm_email", new, "email-change")
    fits(visitor)
    assert new in visitor.page.inner_text("main")
    presses(visitor.page, "#confirm button")
    assert visitor.reads("h1") == "Your address is changed"
    visitor.goes_to("/billing")
    assert visitor.page.locator("#sign-in").count() == 1, "the old address's session has ended"

    follows(visitor, "email_changed", old, "email-undo")
    fits(visitor)
    presses(visitor.page, "#undo button")
    assert visitor.reads("h1") == "Your old address is back"
    status, found = visitor.system.call("GET", f"/accounts?email={old}")
    assert status == 200
    assert [(one["email"], one["name"]) for one in found["accounts"]] == [(old, "Ada King")]


def test_the_pages_speak_the_language_that_was_chosen_from_then_on(visitor: Visitor) -> None:
    email = address()
    signs_up(visitor, email)
    visitor.page.wait_for_url("**/welcome")
    opens_billing(visitor, email)
    presses(visitor.page, "#details")
    visitor.page.select_option("#language", "de")
    presses(visitor.page, "#details button")
    assert visitor.reads("#notice") == "Ihre Angaben sind gespeichert."


def test_a_customer_signs_out_everywhere_and_gets_in_by_a_new_link(visitor: Visitor) -> None:
    visitor.page.set_viewport_size(PHONE)
    email = address()
    signs_up(visitor, email)
    visitor.page.wait_for_url("**/welcome")
    opens_billing(visitor, email)
    fits(visitor)
    presses(visitor.page, "#end-links button")
    assert visitor.reads("h1") == "You are signed out everywhere"
    fits(visitor)
    visitor.goes_to("/billing")
    assert visitor.reads("h1") == "This link does not work"
    visitor.system.move_clock(visitor.system.now() + 60)
    visitor.goes_to("/sign-in")
    visitor.page.fill("#sign-in input", email)
    presses(visitor.page, "#sign-in button")
    opens_billing(visitor, email, "sign_in")
    assert visitor.reads("#status") == "trialing"
