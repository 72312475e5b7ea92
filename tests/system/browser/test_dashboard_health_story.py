"""What an operator looks at when something is wrong, in a browser: dead letters and their replay,
and what a customer was sent.
"""

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from local.client import Client
from tests.system.browser.conftest import Visitor, presses
from tests.system.browser.test_dashboard_story import CONTRAST, FAULTS, customer, signs_in


@pytest.fixture(scope="module")
def system(start_system: Callable[..., Client]) -> Client:
    """A system of its own, since the dead letters stay."""
    return start_system()


def dead_letter(system: Client) -> str:
    """An event that no release can read; its id."""
    id, state = f"evt_{secrets.token_hex(4)}", system.state()
    event = {
        "id": id,
        "object": "event",
        "type": "invoice.paid",
        "livemode": False,
        "created": system.now(),
        "data": 5,
    }
    assert system.send_event(event, state["webhook_secret"], system.now())[0] == 200
    system.settle()
    return id


def newest_entry(system: Client) -> dict[str, Any]:
    operator = {"Authorization": f"Bearer {system.state()['admin_key']}"}
    _, page = system.call("GET", "/audit", headers=operator)
    entry: dict[str, Any] = page["entries"][0]
    return entry


def test_a_dead_letter_is_replayed_by_its_button_once_the_box_is_checked(visitor: Visitor) -> None:
    id = dead_letter(visitor.system)
    signs_in(visitor)
    visitor.goes_to("/admin/health")
    row = visitor.page.locator("tr", has_text=id)
    assert "invoice.paid" in row.inner_text()
    assert visitor.page.evaluate(FAULTS) == []
    assert visitor.page.evaluate(CONTRAST) == []
    row.locator("summary").click()
    row.locator("button").click()
    assert visitor.page.url.endswith("/admin/health"), "the browser asks for the box"
    row.locator("input[name=sure]").check()
    row.locator("input[name=why]").fill("Mended")
    presses(visitor.page, row.locator("button"))
    assert "1 dead letter sent back to where it came from." in visitor.reads("main")
    entry = newest_entry(visitor.system)
    assert (entry["action"], entry["actor"]) == ("dead_letters.handled", "key:local")
    assert (entry["detail"]["number"], entry["detail"]["why"]) == (1, "Mended")
    visitor.system.settle()
    visitor.goes_to("/admin/health")
    assert id in visitor.reads("main"), "it still cannot be read, and has returned"
    all_of_them = visitor.page.locator("#all-events")
    if all_of_them.count():
        all_of_them.locator("summary").click()
        all_of_them.locator("input[name=sure]").check()
        presses(visitor.page, all_of_them.locator("button"))
        assert "sent back to where they came from." in visitor.reads("main")
        assert newest_entry(visitor.system)["detail"]["origin"] == "events"
    assert visitor.complaints == []


def sees_a_mail(one: Visitor) -> None:
    account = customer(one.system, "<b>Ada</b> & Söhne")
    signs_in(one)
    one.goes_to(f"/admin/customers/{account}")
    mails = one.page.locator("section", has_text="Mails")
    presses(one.page, mails.get_by_role("link", name="welcome").first)
    assert "built anew" in one.reads("main")
    assert one.page.evaluate(FAULTS) == []
    assert one.page.evaluate(CONTRAST) == []
    (sent,) = [mail for mail in one.system.mail(account) if mail["step"] == "welcome"]
    frame = one.page.frame_locator("iframe.mail")
    shown = frame.locator("body").inner_text()
    words = next(line for line in sent["text"].splitlines() if line.endswith(","))
    assert words in shown, "the greeting of the mail"
    before = one.page.url
    frame.get_by_role("link").first.click()
    assert one.page.url == before, "a link in the frame leads nowhere"
    assert [said for said in one.complaints if "sandbox" not in said] == []


def test_a_mail_is_shown_in_a_frame_that_can_do_nothing_on_a_desktop(visitor: Visitor) -> None:
    sees_a_mail(visitor)


def test_a_mail_is_shown_in_a_frame_that_can_do_nothing_on_a_phone(phone: Visitor) -> None:
    sees_a_mail(phone)
