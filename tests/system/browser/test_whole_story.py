"""One customer's whole way with everything that `make run` starts, in a real browser: a trial is
asked for; Stripe has a trialing subscription, Intercom a contact, and the customer a workspace;
messages follow what they do there; they pay, and everybody knows.
"""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, FrameLocator, Page

from local.client import Client
from tests.system.browser.conftest import DESKTOP, PHONE, Visitor, presses
from tests.system.browser.test_signup_story import (
    address,
    fits,
    opens_billing,
    picture,
    saves_card,
    signs_up,
)

DAY = 86400


@pytest.fixture(scope="module")
def everything(start_system: Callable[..., Client]) -> Client:
    """A system as `make run` starts it: with the example product and an Intercom."""
    return start_system(PRODUCT="example")


@pytest.fixture(params=["", "-phone"], ids=["on a desktop", "on a phone"])
def ada(request: pytest.FixtureRequest, chromium: Browser, everything: Client) -> Iterator["Tour"]:
    """The customer, who is also the owner, and looks at everything from the control room."""
    context = chromium.new_context(
        viewport=PHONE if request.param else DESKTOP,
        device_scale_factor=2 if request.param else 1,
        is_mobile=bool(request.param),
        has_touch=bool(request.param),
    )
    yield Tour(Visitor(context, everything), request.param)
    context.close()


class Tour:
    """Walks a visitor through the pages, with a picture of each."""

    def __init__(self, visitor: Visitor, ending: str) -> None:
        self.visitor, self.system, self.page = visitor, visitor.system, visitor.page
        self.email, self._ending, self._seen = address(), ending, 0
        self.began = 0

    def sees(self, name: str) -> None:
        """The page fits the screen; keeps a picture of it, on a phone of what is in view."""
        self._seen += 1
        fits(self.visitor)
        name = f"story-{self._seen:02}-{name}{self._ending}"
        picture(self.visitor, name, whole=not self._ending)

    def opens(self, link: str) -> None:
        """What the control room links to in the customer's row, in the same tab."""
        self.visitor.goes_to("/_local")
        there = self.page.get_attribute(f"tr:has-text('{self.email}') >> text={link}", "href")
        self.visitor.goes_to(str(there))

    def at_intercom(self) -> str:
        """The events and attributes of the contact, as its page shows them."""
        self.opens("Intercom")
        return self.visitor.reads("main")

    def lives_until(self, day: int) -> None:
        """Time passes until that many days after the signup, and some hours, so that nothing hangs
        on a second.
        """
        self.system.move_clock(self.began + day * DAY + DAY // 8)

    def mails(self, email: str) -> list[str]:
        """The steps of the mails to an address, in their order."""
        return [mail["step"] for mail in self.system.mail() if mail["to"] == email]

    def subjects(self, email: str) -> list[str]:
        """The subjects of the mails to an address, in their order."""
        return [mail["subject"] for mail in self.system.mail() if mail["to"] == email]


def asks_for_a_trial(tour: Tour) -> str:
    """From the form to the workspace; its address."""
    tour.visitor.goes_to("/_local/site/")
    tour.page.fill("#signup-email", tour.email)
    tour.page.fill("#signup-name", "Ada Byron")
    tour.sees("site")
    presses(tour.page, "text=Start my free trial")
    tour.page.wait_for_url("**/w/*")
    tour.system.settle()
    tour.began = tour.system.now()
    tour.sees("workspace")
    return tour.page.url


def somebody_else_does_nothing(chromium: Browser, system: Client) -> str:
    """A customer who opens the welcome's link and leaves the workspace alone; their address."""
    context = chromium.new_context(viewport=DESKTOP)
    grace, email = Visitor(context, system), address().replace("ada", "grace")
    grace.goes_to("/_local/site/")
    grace.page.fill("#signup-email", email)
    grace.page.fill("#signup-name", "Grace Hopper")
    presses(grace.page, "text=Start my free trial")
    grace.page.wait_for_url("**/w/*")
    opens_billing(grace, email)
    context.close()
    return email


def test_from_a_trial_that_is_asked_for_to_a_customer_who_pays(
    ada: Tour, chromium: Browser
) -> None:
    workspace = asks_for_a_trial(ada)
    other = somebody_else_does_nothing(chromium, ada.system)

    ada.opens("Stripe")
    assert "trialing: 1 × $49.00 a month" in ada.visitor.reads("main")
    ada.sees("stripe-trialing")
    contact = ada.at_intercom()
    assert attribute(ada.page, "billing_reason") == "trialing"
    assert attribute(ada.page, "mrr") == "0.00"
    assert {"account-created", "trial-started", "instance-ready"} <= set(contact.split())
    ada.sees("intercom-trialing")

    ada.visitor.goes_to(workspace)
    presses(ada.page, "button#connected_data")
    ada.page.wait_for_selector("li#connected_data")
    ada.sees("workspace-used")
    ada.lives_until(1)
    assert "billhook-step-invite_tips" in ada.at_intercom()
    ada.sees("intercom-step")
    assert ada.mails(ada.email) == ["welcome"], "what Intercom sends is no mail"

    ada.lives_until(7)
    assert ada.subjects(ada.email)[1:] == ["Next in Acme: Invite your team"]
    assert "Next in Acme: Connect your data" in ada.subjects(other)
    ada.visitor.goes_to("/_local/mailbox")
    ada.sees("mailbox")

    ada.lives_until(12)
    letter = opens_mail(ada, "three_days")
    ada.sees("three-days")
    pays(ada, letter)
    ada.lives_until(15)

    ada.opens("Stripe")
    assert "active: 1 × $49.00 a month" in ada.visitor.reads("main")
    ada.sees("stripe-active")
    contact = ada.at_intercom()
    assert attribute(ada.page, "billing_reason") == "active"
    assert attribute(ada.page, "mrr") == "49.00"
    assert attribute(ada.page, "trial_ends_at") == "–"
    assert "trial-converted" in contact
    ada.sees("intercom-converted")
    presses(ada.page, "text=All contacts")
    for email, standing in ((ada.email, "active"), (other, "paused")):
        assert standing in ada.visitor.reads(f"tr:has-text('{email}')")
    ada.sees("intercom-contacts")
    ada.visitor.goes_to(workspace)
    assert ada.visitor.reads("#plan").startswith("Pro, until")
    ada.sees("workspace-paid")
    assert not ada.visitor.complaints


def test_who_unsubscribes_at_intercom_gets_no_more_letters_from_here(ada: Tour) -> None:
    signs_up(ada.visitor, ada.email)
    ada.page.wait_for_url("**/w/*")
    ada.system.settle()
    ada.began = ada.system.now()
    presses(ada.page, "button#invited_team")  # whoever uses the product is who they say they are
    ada.page.wait_for_selector("li#invited_team")
    ada.at_intercom()
    presses(ada.page, "#consent")
    assert attribute(ada.page, "unsubscribed_from_emails") == "yes"
    ada.lives_until(5)
    assert ada.mails(ada.email) == ["welcome"]
    ada.at_intercom()
    assert attribute(ada.page, "unsubscribed_from_emails") == "yes"
    presses(ada.page, "#consent")
    assert attribute(ada.page, "unsubscribed_from_emails") == "no"
    ada.lives_until(12)
    assert "three_days" in ada.mails(ada.email)


def attribute(page: Page, name: str) -> str:
    return page.inner_text(f"#told div:has(dt:text-is('{name}')) dd").strip()


def opens_mail(tour: Tour, step: str) -> FrameLocator:
    """The mail of a step, in the mailbox."""
    sent = [mail for mail in tour.system.mail() if mail["to"] == tour.email]
    number = next(mail["number"] for mail in sent if mail["step"] == step)
    tour.visitor.goes_to(f"/_local/mailbox/{number}")
    return tour.page.frame_locator("iframe")


def pays(tour: Tour, letter: FrameLocator) -> None:
    """By the mail's link, to Stripe's page, and back."""
    tour.visitor.goes_to(str(letter.locator("a:has-text('card')").first.get_attribute("href")))
    if tour.page.query_selector("#open"):  # a browser with a session is led on at once
        presses(tour.page, "#open button")
    tour.sees("billing")
    presses(tour.page, "#add-card button")
    tour.page.wait_for_selector("#submit")
    tour.sees("checkout")
    saves_card(tour.visitor, "4242424242424242")
    tour.page.wait_for_url("**/billing?notice=card_saved")
    tour.sees("card-saved")
