"""Plan, leaving, coming back and a failed payment by the customer's own hand, in a real browser
that runs no script.
"""

import json
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from chalicelib.domain.policy.reasons import CANCELLATION_REASONS
from chalicelib.pages.rendering import page
from local.aws.emulator import die_with_parent, free_port
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
from tests.system.conftest import ROOT, wait_for

DAY = 86_400
OFFERS = (
    'alternatives = { unused = { pause_days = 60 }, too_expensive = { plan = "pro" },'
    ' missing_features = { coupon = "STAY20" } }'
)


@pytest.fixture(scope="module")
def generous(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A system whose billing.toml allows all ways to leave, with a coupon at Stripe."""
    room = tmp_path_factory.mktemp("generous")
    for part in ("app.py", "local", "ops", ".chalice", ".emulator", "examples"):
        (room / part).symlink_to(ROOT / part)
    shutil.copytree(
        ROOT / "chalicelib", room / "chalicelib", ignore=shutil.ignore_patterns("__pycache__")
    )
    policy = room / "chalicelib" / "billing.toml"
    text = (
        policy.read_text()
        .replace("\nwithdrawal = false\n", "\nwithdrawal = true\n")
        .replace("\nnow = false\n", "\nnow = true\n")
    )
    policy.write_text(re.sub(r"^alternatives = .*$", OFFERS, text, flags=re.MULTILINE))
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "local", "run", "--port", str(port)],
        cwd=room,
        preexec_fn=die_with_parent(),
    )
    client = Client(f"http://127.0.0.1:{port}")
    wait_for(client, process)
    body = b"id=STAY20&percent_off=20&duration=repeating&duration_in_months=3"
    sent = urllib.request.Request(
        f"{client.state()['stripe_base']}/v1/coupons", body, {"Authorization": "Bearer sk_test_any"}
    )
    with urllib.request.urlopen(sent) as answer:
        assert json.load(answer)["valid"]
    yield client
    process.terminate()
    assert process.wait(30) == 0


@pytest.fixture
def ada(chromium: Browser, generous: Client) -> Iterator[Visitor]:
    """Somebody without scripts."""
    context = chromium.new_context(
        viewport=DESKTOP, java_script_enabled=False, timezone_id="Europe/Vienna"
    )
    yield Visitor(context, generous)
    context.close()


def pays(visitor: Visitor) -> str:
    """Signs up, saves a card, and is in the first paid month; on the billing page then."""
    email = address()
    signs_up(visitor, email)
    visitor.page.wait_for_url("**/welcome")
    opens_billing(visitor, email)
    presses(visitor.page, "#add-card button")
    saves_card(visitor, "4242424242424242")
    visitor.page.wait_for_url("**/billing?notice=card_saved")
    visitor.system.move_clock(visitor.system.now() + 15 * DAY)
    opens_billing(visitor, email)
    assert visitor.reads("#headline") == "Your subscription is active"
    return email


def chooses_scale(visitor: Visitor, email: str, seats: str = "1") -> None:
    """Chooses the greater plan, which takes a fresh sign-in; the preview is there then."""
    presses(visitor.page, "#change-plan")
    visitor.page.check("input[value='scale:month']")
    presses(visitor.page, "#choose button")
    picture(visitor, "plan-sign-in")
    presses(visitor.page, "#sign-in button")
    opens_billing(visitor, email, "sign_in")
    presses(visitor.page, "#change-plan")
    visitor.page.check("input[value='scale:month']")
    visitor.page.fill("#seats", seats)
    picture(visitor, "plan")
    presses(visitor.page, "#choose button")


def is_told(visitor: Visitor, words: str) -> None:
    assert visitor.reads("#notice") == words


def leaves_for(visitor: Visitor, reason: str) -> None:
    presses(visitor.page, "#cancel")
    visitor.page.check(f"input[value={reason}]")
    presses(visitor.page, "#why button")


def test_a_customer_changes_plan_is_kept_by_each_alternative_leaves_and_comes_back(
    ada: Visitor,
) -> None:
    email = pays(ada)
    picture(ada, "billing-ways")
    chooses_scale(ada, email, seats="2")
    due = ada.reads("#due-now")
    assert re.fullmatch(r"\$\d{3}\.\d\d", due)
    picture(ada, "plan-preview")
    presses(ada.page, "#confirm button")
    is_told(ada, "Your plan is changed.")
    ada.system.settle()
    ada.goes_to("/billing")
    assert due in ada.reads("#invoices")
    assert "Scale" in ada.reads("#plan")

    leaves_for(ada, "too_expensive")
    presses(ada.page, "#instead button")
    assert ada.reads("#due-now") == "$0.00"
    presses(ada.page, "#confirm button")
    assert "Pro" in ada.reads("#plan")

    leaves_for(ada, "unused")
    presses(ada.page, "#instead button")
    is_told(ada, "Your payments are paused.")
    presses(ada.page, "#come-back button")
    is_told(ada, "Your subscription is active again.")

    leaves_for(ada, "missing_features")
    assert "20% off for 3 months" in ada.reads("#offer")
    picture(ada, "cancel-offer")
    presses(ada.page, "#instead button")
    is_told(ada, "You get the discount from your next invoice on.")

    presses(ada.page, "#cancel")
    picture(ada, "cancel")
    presses(ada.page, "#why button")
    day = ada.reads("#ends-on")
    presses(ada.page, "form#cancel button")
    assert ada.reads("#until") == day
    assert ada.reads("#headline") == "Your subscription ends"
    presses(ada.page, "#come-back button")
    is_told(ada, "Your subscription continues.")
    assert ada.reads("#status") == "active"
    assert not ada.complaints


def test_a_consumer_withdraws_by_a_mailed_link_has_the_money_back_and_buys_again(
    ada: Visitor,
) -> None:
    email = pays(ada)
    presses(ada.page, "#withdraw")
    picture(ada, "withdraw")
    presses(ada.page, "#withdraw button")
    assert ada.reads("#status") == "active", "nothing has ended yet"
    link = re.search(
        r"http://127\.0\.0\.1:\d+/leave/\S+", ada.latest_mail("confirm_withdrawal", email)
    )
    assert link
    ada.goes_to(link[0])
    presses(ada.page, "#leave button")
    assert ada.reads("#headline") == "You have withdrawn"
    assert "We have received your withdrawal" in ada.latest_mail("withdrawn", email)
    presses(ada.page, "text=your billing page")
    assert ada.reads("#headline") == "Your subscription has ended"
    presses(ada.page, "#subscribe-pro-month button")
    saves_card(ada, "4242424242424242")
    ada.page.wait_for_url("**/billing?notice=subscribed")
    assert ada.reads("#status") == "active"
    assert not ada.complaints


def test_a_confirmation_for_the_bank_is_on_stripes_page_and_an_unconfirmed_upgrade_changes_nothing(
    ada: Visitor,
) -> None:
    email = pays(ada)
    presses(ada.page, "#portal button")
    ada.page.check("input[value='4000002760003184']")
    presses(ada.page, "text=Save card")
    ada.goes_to("/billing")
    chooses_scale(ada, email)
    presses(ada.page, "#confirm button")
    assert "Until then nothing is changed" in ada.reads("#detail")
    picture(ada, "plan-declined")
    ada.system.move_clock(ada.system.now() + 31 * DAY)
    ada.goes_to("/billing")
    ada.page.fill("#email", email)
    presses(ada.page, "#sign-in button")
    opens_billing(ada, email, "sign_in")
    assert ada.reads("#headline") == "Your last payment failed"
    assert ada.reads("#add-card button") == "Update your card"
    picture(ada, "billing-past-due")
    ada.goes_to("/billing/plan")
    assert "cannot be changed at the moment" in ada.reads("#notice")
    presses(ada.page, "#pay")
    presses(ada.page, "#pay")
    ada.system.settle()
    ada.goes_to("/billing")
    assert ada.reads("#status") == "active"


def test_the_pages_fit_a_phone(chromium: Browser, generous: Client) -> None:
    context = chromium.new_context(
        viewport=PHONE, device_scale_factor=2, is_mobile=True, has_touch=True
    )
    phone = Visitor(context, generous)
    pays(phone)
    for path, name in (
        ("/billing", "billing-ways-phone"),
        ("/billing/plan", ""),
        ("/billing/cancel", ""),
        ("/billing/withdraw", ""),
    ):
        phone.goes_to(path)
        fits(phone, name)
    phone.goes_to("/billing/plan")
    phone.page.check("input[value='scale:month']")
    presses(phone.page, "#choose button")
    fits(phone, "plan-preview-phone")
    phone.goes_to("/billing")
    leaves_for(phone, "unused")
    fits(phone, "cancel-offer-phone")
    phone.page.set_content(
        page("feedback", product="Acme", reasons=CANCELLATION_REASONS, answer="", comment="")
    )
    fits(phone, "feedback-phone")
    context.close()
