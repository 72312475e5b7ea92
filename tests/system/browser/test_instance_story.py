"""A customer and their workspace in the example product, in a real browser: sign up, use it, lose
it when the trial ends, pay, and go on.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser

from local.aws.emulator import free_port
from local.client import Client
from tests.fakes.services import ROOT
from tests.system.browser.conftest import DESKTOP, PHONE, Visitor, presses
from tests.system.browser.test_signup_story import address, fits, picture, saves_card, signs_up

DAY = 86400


@pytest.fixture(scope="module")
def with_product(start_system: Callable[..., Client]) -> Client:
    """A system as `make run` starts it: with the example product."""
    return start_system(PRODUCT="example")


@pytest.fixture(params=["with script", "without script"])
def customer(
    request: pytest.FixtureRequest, chromium: Browser, with_product: Client
) -> Iterator[Visitor]:
    """Once with JavaScript and once without."""
    context = chromium.new_context(
        viewport=DESKTOP, java_script_enabled=request.param == "with script"
    )
    yield Visitor(context, with_product)
    context.close()


@pytest.fixture
def on_a_phone(chromium: Browser, with_product: Client) -> Iterator[Visitor]:
    """A customer with a browser as wide as a phone."""
    context = chromium.new_context(
        viewport=PHONE, device_scale_factor=2, is_mobile=True, has_touch=True
    )
    yield Visitor(context, with_product)
    context.close()


def gets_workspace(customer: Visitor) -> str:
    """From the form on the example site to the workspace, with nothing pressed in between: the
    welcome page leads there. Returns its address.
    """
    signs_up(customer, address())
    customer.page.wait_for_url("**/w/*")
    return customer.page.url


def pays(customer: Visitor) -> None:
    """From the workspace to Stripe's page for a card, and back to where it leads into it."""
    presses(customer.page, "#billing")
    customer.page.wait_for_selector("#submit")
    saves_card(customer, "4242424242424242")
    customer.page.wait_for_selector("#app")
    customer.system.settle()


def saves_a_card_that_declines(customer: Visitor) -> None:
    """From the workspace to Stripe's portal, where who has a card is led."""
    presses(customer.page, "#billing")
    customer.page.check("input[value='4000000000000341']")
    presses(customer.page, "text=Save card")
    customer.page.wait_for_selector("#card:has-text('0341')")
    customer.system.settle()


def test_a_visitor_gets_a_workspace_loses_it_with_the_trial_and_opens_it_again_by_paying(
    customer: Visitor,
) -> None:
    page = customer.page
    workspace = gets_workspace(customer)
    assert customer.reads("#plan").startswith("Pro, trial until")
    presses(page, "button#connected_data")
    page.wait_for_selector("li#connected_data")
    page.fill("#report", "Sales of March")
    presses(page, "text=Write it")
    assert customer.reads("#reports") == "Sales of March"
    picture(customer, "workspace")
    customer.system.move_clock(customer.system.now() + 15 * DAY)
    customer.goes_to(workspace)
    assert customer.reads("#status") == "This workspace is locked"
    assert customer.reads("#why") == "Your trial has ended. Nothing was charged."
    picture(customer, "workspace-locked")
    pays(customer)
    presses(page, "#app")
    page.wait_for_url(workspace)
    assert customer.reads("#reports") == "Sales of March", "it is as it was left"
    assert customer.reads("#plan").startswith("Pro")
    assert not [said for said in customer.complaints if "402" not in said]


def test_a_workspace_that_was_suspended_opens_again_after_the_payment(customer: Visitor) -> None:
    asked: list[str] = []
    customer.page.on("request", lambda request: asked.append(request.url))
    workspace = gets_workspace(customer)
    welcome = next(url for url in asked if "/welcome/" in url)
    customer.system.move_clock(customer.system.now() + 17 * DAY)
    customer.goes_to(welcome)
    assert customer.reads("#status") == "Your workspace is suspended"
    assert customer.page.is_visible("#billing")
    picture(customer, "welcome-suspended")
    customer.goes_to(workspace)
    assert customer.reads("#status") == "This workspace is locked"
    pays(customer)
    presses(customer.page, "#app")
    customer.page.wait_for_selector("#plan")
    assert customer.page.url == workspace
    customer.goes_to(welcome)
    assert customer.page.url == workspace


def test_a_workspace_is_read_only_while_a_renewal_is_not_paid(customer: Visitor) -> None:
    page = customer.page
    began = customer.system.now()
    workspace = gets_workspace(customer)
    page.fill("#report", "Sales of March")
    presses(page, "text=Write it")
    pays(customer)
    customer.system.move_clock(began + 20 * DAY)
    customer.goes_to(workspace)
    saves_a_card_that_declines(customer)
    customer.system.move_clock(began + 53 * DAY)
    customer.goes_to(workspace)
    assert "Your last payment failed." in customer.reads("#limited")
    assert customer.reads("#reports") == "Sales of March", "what is theirs can be read"
    assert not page.query_selector("#report"), "nothing can be written"
    picture(customer, "workspace-limited")
    page.set_viewport_size(PHONE)
    fits(customer, "workspace-limited-phone")
    page.set_viewport_size(DESKTOP)
    pays(customer)
    presses(page, "#app")
    page.wait_for_url(workspace)
    assert not page.query_selector("#limited")
    assert page.query_selector("#report")
    assert not customer.complaints


def test_every_page_of_the_way_fits_a_phone(on_a_phone: Visitor) -> None:
    customer = on_a_phone
    workspace = gets_workspace(customer)
    fits(customer, "workspace-phone")
    customer.system.move_clock(customer.system.now() + 15 * DAY)
    customer.goes_to(workspace)
    fits(customer, "workspace-locked-phone")
    pays(customer)
    fits(customer, "workspace-paid-phone")
    presses(customer.page, "#app")
    customer.page.wait_for_url(workspace)
    for width in (320, 360):
        customer.page.set_viewport_size({"width": width, "height": 700})
        fits(customer)


@pytest.fixture(scope="module")
def without_provisioner(
    start_system: Callable[..., Client], tmp_path_factory: pytest.TempPathFactory
) -> Client:
    """A system whose provisioner does not answer."""
    policy = tmp_path_factory.mktemp("policy") / "billing.toml"
    shipped = Path(ROOT / "chalicelib" / "billing.toml").read_text(encoding="utf-8")
    target = f"http://127.0.0.1:{free_port()}/instances"
    table = f'[instance]\ntarget = "{target}"\nhosts = ["127.0.0.1"]\n'
    policy.write_text(f"{shipped}\n{table}", encoding="utf-8")
    return start_system(POLICY=str(policy))


@pytest.mark.parametrize("visitor_of", ["with script", "without script"])
def test_who_waits_for_the_workspace_is_told_how_far_it_is_and_led_there_once_it_is_ready(
    visitor_of: str, chromium: Browser, without_provisioner: Client
) -> None:
    context = chromium.new_context(
        viewport=PHONE,
        device_scale_factor=2,
        java_script_enabled=visitor_of == "with script",
    )
    customer, email = Visitor(context, without_provisioner), address()
    signs_up(customer, email)
    customer.page.wait_for_selector("#step-asked:has-text('✓')")
    fits(customer, "welcome-making-phone")
    presses(customer.page, "#stop")
    assert customer.page.locator("meta[http-equiv=refresh]").count() == 0
    presses(customer.page, "#go-on")
    assert customer.page.locator("meta[http-equiv=refresh]").count() == 1
    _, found = customer.system.call("GET", f"/accounts?email={quote(email)}")
    (account,) = found["accounts"]
    there = f"{customer.system.base}/_local/site/"
    report = {"status": "ready", "url": there}
    status, told = customer.system.call(
        "PUT",
        f"/accounts/{account['account_id']}/instance",
        json.dumps(report).encode(),
        {"Content-Type": "application/json"},
    )
    assert status == 204, told
    customer.page.wait_for_url(there)  # nothing was pressed: the page looks again by itself
    context.close()
