"""The buttons of the dashboard that not every customer's page has, each with its row in the audit
log: orders for an instance, endpoints of webhooks, and the sign-in itself.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from chalicelib.domain.account.parts.instance import ORDERS
from chalicelib.entry.admin.actions import ACTIONS
from chalicelib.entry.admin.overviews import ENDPOINT_CALLS
from local.client import Client
from local.http_server import Answer
from tests.adapters.outgoing.receivers import answer, receiving
from tests.system.browser.accessibility import violations
from tests.system.browser.conftest import DESKTOP, Visitor, presses
from tests.system.browser.test_dashboard_story import ACTIONS as OF_EVERY_CUSTOMER
from tests.system.browser.test_dashboard_story import FAULTS, audited, signs_in
from tests.system.instances.test_instances import Stage, stage  # noqa: F401 - the fixture

TEAM = "team@acme.example"


@pytest.fixture
def operator(chromium: Browser, stage: Stage) -> Iterator[Visitor]:
    """A browser at a system that has instances, and an operator."""
    stage.provisioner.answer = None
    context = chromium.new_context(viewport=DESKTOP)
    yield Visitor(context, stage.system)
    context.close()


def newest(system: Client, number: int = 1) -> list[tuple[str, str]]:
    """The action and the actor of the newest entries."""
    bearer = {"Authorization": f"Bearer {system.state()['admin_key']}"}
    _, page = system.call("GET", "/audit", headers=bearer)
    return [(one["action"], one["actor"]) for one in page["entries"][:number]]


def orders(operator: Visitor, account: str, order: str) -> dict[str, Any]:
    """The operator gives an order by its button; its row in the audit log."""
    operator.goes_to(f"/admin/customers/{account}")
    form = f"#do-instance-{order}"
    operator.page.click(f"{form} > summary")
    operator.page.check(f"#instance-{order}-sure")
    operator.page.fill(f"#instance-{order}-why", "Ticket 42")
    presses(operator.page, f"{form} button")
    assert operator.page.locator("[role=status]").count() == 1, operator.reads("main")
    operator.system.settle()
    return audited(operator.system, account)[0]


def test_each_order_for_an_instance_is_given_by_its_button(
    operator: Visitor,
    stage: Stage,
) -> None:
    account = stage.signs_up("ada@orders.example")
    stage.system.settle()
    signs_in(operator)
    given = {}
    given["suspend"] = orders(operator, account, "suspend")
    assert stage.instance(account)["status"] == "suspended"
    given["resume"] = orders(operator, account, "resume")
    assert stage.instance(account)["status"] == "ready"
    stage.provisioner.answer = lambda told: Answer(500, b"down", [])
    orders(operator, account, "suspend")
    stage.advances("4d")
    assert stage.instance(account)["status"] == "stalled"
    stage.provisioner.answer = None
    signs_in(operator)  # days have passed, and a session lasts hours
    given["retry"] = orders(operator, account, "retry")
    assert stage.instance(account)["status"] == "suspended"
    stage.advances("16d")
    signs_in(operator)
    given["delete"] = orders(operator, account, "delete")
    assert stage.instance(account)["status"] == "deleted"
    assert given.keys() == ORDERS.keys()
    for order, entry in given.items():
        assert entry["action"] == ACTIONS[f"instance-{order}"].name
        assert (entry["actor"], entry["detail"]["why"]) == ("key:local", "Ticket 42")
    assert operator.complaints == []


def test_every_action_on_a_customer_is_pressed_in_one_story_or_another() -> None:
    pressed = {call for call, *_ in OF_EVERY_CUSTOMER} | {f"instance-{order}" for order in ORDERS}
    assert pressed == ACTIONS.keys()


def test_an_endpoint_is_sent_a_test_and_enabled_again_by_their_buttons(operator: Visitor) -> None:
    pressed = []
    with receiving(answer(410)) as receiver:
        made, endpoint = operator.system.post("/webhooks/endpoints", {"url": receiver.url()})
        assert made == 201, endpoint
        signs_in(operator)
        operator.goes_to("/admin/webhooks")
        row = operator.page.locator("tr", has_text=receiver.url())
        presses(operator.page, row.get_by_text("Send a test"))
        assert "A test event is on its way." in operator.reads("main")
        pressed += newest(operator.system)
        operator.system.settle()
        operator.goes_to("/admin/webhooks")
        row = operator.page.locator("tr", has_text=receiver.url())
        assert "disabled" in row.inner_text().lower(), "it wants no more"
        presses(operator.page, row.get_by_text("Enable", exact=False).last)
        assert "The endpoint is enabled." in operator.reads("main")
        pressed += newest(operator.system)
    assert pressed == [
        (name, "key:local") for name in ("webhooks.test_sent", "webhooks.endpoint_enabled")
    ]
    assert {name for name, _ in pressed} == {name for _, name in ENDPOINT_CALLS.values()}
    assert operator.complaints == []


def test_an_operator_signs_in_by_a_mailed_link_and_out_of_every_browser(operator: Visitor) -> None:
    page = operator.page
    operator.goes_to("/admin/sign-in")
    page.fill("#email", TEAM)
    presses(page, "text=Mail me a link")
    assert "a link is on its way" in operator.reads("main")
    operator.system.settle()
    mails = [mail for mail in operator.system.mail() if mail["to"] == TEAM]
    link = re.search(r"(/admin/sign-in/\S+)", mails[-1]["text"])
    assert link
    operator.goes_to(link[1])
    assert newest(operator.system) != [("admin.signed_in", f"operator:{TEAM}")], "nothing yet"
    assert page.evaluate(FAULTS) == []
    assert violations(page) == []
    presses(page, "main button")
    assert page.url.endswith("/admin")
    assert newest(operator.system) == [("admin.signed_in", f"operator:{TEAM}")]
    presses(page, "text=Sign out of every browser")
    assert "You are signed out." in operator.reads("main")
    assert newest(operator.system) == [("admin.signed_out", f"operator:{TEAM}")]
    operator.goes_to("/admin/customers")
    assert page.url.endswith("/admin/sign-in")
    signs_in(operator)
    assert newest(operator.system) == [("admin.signed_in", "key:local")]
    presses(page, "header >> text=Sign out")
    assert newest(operator.system) == [("admin.signed_out", "key:local")]
    assert operator.complaints == []
