"""The dashboard in a browser, with and without scripts: every action by its button, with its row in
the audit log.
"""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page

from local.client import Client
from tests.system.browser.conftest import Visitor, presses

FORM = {"Content-Type": "application/x-www-form-urlencoded"}

FAULTS = """() => {
    const named = (one) => one.labels?.length || one.getAttribute("aria-label")
        || one.getAttribute("aria-labelledby") || one.type === "hidden";
    const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
    const headings = [...document.querySelectorAll("h1, h2, h3")].map((one) => +one.tagName[1]);
    const found = [];
    for (const one of document.querySelectorAll("input, select, textarea"))
        if (!named(one)) found.push("no label: " + one.outerHTML);
    for (const one of document.querySelectorAll("a, button"))
        if (!one.textContent.trim()) found.push("no text: " + one.outerHTML);
    for (const one of document.querySelectorAll("[aria-labelledby], [aria-describedby]"))
        for (const name of ["aria-labelledby", "aria-describedby"])
            for (const id of (one.getAttribute(name) || "").split(" ").filter(Boolean))
                if (!document.getElementById(id)) found.push(name + " of nothing: " + id);
    if (new Set(ids).size !== ids.length) found.push("an id is there twice");
    if (headings.filter((level) => level === 1).length !== 1) found.push("not one h1");
    if (headings.some((level, at) => at && level > headings[at - 1] + 1)) found.push("a jump");
    if (document.querySelectorAll("main").length !== 1) found.push("not one main");
    if (!document.documentElement.lang || !document.title) found.push("no language or title");
    for (const one of document.querySelectorAll("table"))
        if (!one.querySelector("th[scope=col]")) found.push("a table without headings");
    for (const one of document.querySelectorAll("svg"))
        if (!one.querySelector("title") || one.getAttribute("role") !== "img")
            found.push("a picture without words");
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth > width) found.push("wider than the screen");
    return found;
}"""
"""What a person with a keyboard or a screen reader would miss, and what sticks out."""

CONTRAST = """() => {
    const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = (colour) => {
        const [r, g, b] = parse(colour).slice(0, 3).map((value) => {
            const share = value / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (one) => {
        for (let at = one; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if ((parse(colour)[3] ?? 1) > 0) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    return [...document.querySelectorAll("main *, header *")].filter((one) =>
        [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())
        && !one.closest("svg") && !one.closest(".hidden")).flatMap((one) => {
            const [a, b] = [light(getComputedStyle(one).color), light(ground(one))];
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            return ratio < 4.5 ? [one.outerHTML.slice(0, 80) + " " + ratio.toFixed(2)] : [];
        });
}"""
"""Texts with a contrast below 4.5, the least of WCAG 2.2 (1.4.3)."""


def signs_in(visitor: Visitor) -> None:
    visitor.goes_to("/admin/sign-in")
    visitor.page.fill("#key", visitor.system.state()["admin_key"])
    presses(visitor.page, "text=Sign in >> nth=-1")
    assert visitor.page.url.endswith("/admin")


def customer(system: Client, name: str) -> str:
    """A customer on trial with a card on file; the id of the account."""
    status, body = system.post(
        "/signups",
        {"email": f"a-{secrets.token_hex(4)}@example-{secrets.token_hex(3)}.com", "name": name},
    )
    assert status == 201, body
    system.settle()
    _, account = system.call("GET", f"/accounts/{body['account_id']}")
    stripe = Client(system.state()["stripe_base"], "sk_test_1")
    assert (
        stripe.post(f"/_test/customers/{account['customers'][0]}/card", {"card": "tok_visa"})[0]
        == 200
    )
    system.settle()
    return str(body["account_id"])


def audited(system: Client, account_id: str) -> list[dict[str, Any]]:
    operator = {"Authorization": f"Bearer {system.state()['admin_key']}"}
    _, page = system.call("GET", f"/audit?account_id={account_id}", headers=operator)
    entries: list[dict[str, Any]] = page["entries"]
    return entries


def test_the_keyboard_leads_past_the_navigation_to_the_content(phone: Visitor) -> None:
    signs_in(phone)
    phone.page.wait_for_load_state()
    phone.page.bring_to_front()
    phone.page.keyboard.press("Tab")
    assert phone.reads(":focus") == "Skip to the content"
    phone.page.keyboard.press("Enter")
    phone.page.wait_for_url("**#main")


def day(system: Client, days: int) -> str:
    now = datetime.fromisoformat(system.state()["now"])
    return (now + timedelta(days=days)).date().isoformat()


def coupon(system: Client) -> str:
    stripe, id = Client(system.state()["stripe_base"], "sk_test_1"), f"LOYAL{secrets.token_hex(3)}"
    made, answer = stripe.call(
        "POST", "/v1/coupons", f"id={id}&percent_off=20&duration=forever".encode(), FORM
    )
    assert made == 200, answer
    return id


Fill = Callable[[Page, Client], None]

ACTIONS: tuple[tuple[str, str, str, Fill], ...] = (
    (
        "grants",
        "grants.given",
        "Access was granted.",
        lambda page, system: (
            page.fill("#grants-until", day(system, 40)),
            page.fill("#grants-note", "A favour"),
        )[0],
    ),
    (
        "trial",
        "trial.changed",
        "The end of the trial was moved.",
        lambda page, system: page.fill("#trial-ends_at", day(system, 30)),
    ),
    (
        "discount",
        "discount.given",
        "The discount was given.",
        lambda page, system: page.fill("#discount-coupon", coupon(system)),
    ),
    (
        "plan",
        "subscription.plan_changed",
        "The plan was changed.",
        lambda page, _: [page.select_option("#plan-plan", "scale")] and page.check("#plan-sure"),
    ),
    (
        "charges",
        "charge.made",
        "The charge was made.",
        lambda page, _: (
            page.fill("#charges-amount", "1500"),
            page.fill("#charges-description", "Import of your archive"),
            page.check("#charges-sure"),
        )[0],
    ),
    (
        "cancel",
        "subscription.canceled",
        "The subscription was canceled.",
        lambda page, _: (
            [page.select_option("#cancel-when", "period_end")] and page.check("#cancel-sure")
        ),
    ),
    (
        "reactivate",
        "subscription.reactivated",
        "The subscription was reactivated",
        lambda page, _: page.check("#reactivate-sure"),
    ),
    (
        "sign-out",
        "links.ended",
        "Every link and every session",
        lambda page, _: page.check("#sign-out-sure"),
    ),
    (
        "erase",
        "account.erased",
        "The customer was erased",
        lambda page, _: page.check("#erase-sure"),
    ),
)
"""Each action: the last part of its path, its name in the audit log, what the page says when it is
done, and what is filled in.
"""


def test_each_action_is_done_by_its_button_and_has_its_row_in_the_audit_log(
    visitor: Visitor,
) -> None:
    account = customer(visitor.system, "Ada Byron")
    signs_in(visitor)
    for call, action, words, fill in ACTIONS:
        visitor.goes_to(f"/admin/customers/{account}")
        form = f"#do-{call}"
        visitor.page.click(f"{form} > summary")
        fill(visitor.page, visitor.system)
        visitor.page.fill(f"#{call}-why", "Ticket 42")
        presses(visitor.page, f"{form} button")
        assert words in visitor.reads("main"), call
        entry = audited(visitor.system, account)[0]
        assert (entry["action"], entry["actor"]) == (action, "key:local"), call
    visitor.goes_to("/admin/audit")
    shown = visitor.reads("main")
    assert all(action in shown for _, action, _, _ in ACTIONS)
    assert visitor.complaints == []


def test_what_is_missing_is_asked_for_by_the_browser_and_what_is_wrong_shown_at_the_field(
    visitor: Visitor,
) -> None:
    account = customer(visitor.system, "Ada Byron")
    signs_in(visitor)
    visitor.goes_to(f"/admin/customers/{account}")
    visitor.page.click("#do-discount > summary")
    visitor.page.click("#do-discount button")
    assert visitor.page.url.endswith(account), "nothing was sent"
    visitor.page.fill("#discount-coupon", "no such coupon!")
    presses(visitor.page, "#do-discount button")
    assert "must be the id of a coupon" in visitor.reads("#discount-coupon-error")
    assert visitor.page.input_value("#discount-coupon") == "no such coupon!"
    assert visitor.page.evaluate(FAULTS) == []


@pytest.mark.parametrize("words", ["ada", "nobody"])
def test_the_search_leads_to_a_customer(visitor: Visitor, words: str) -> None:
    signs_in(visitor)
    account = customer(visitor.system, "Ada Byron")
    visitor.goes_to("/admin/customers")
    visitor.page.fill("#q", words)
    presses(visitor.page, "text=Show")
    links = [link.get_attribute("href") for link in visitor.page.locator("tbody a").all()]
    assert (f"/admin/customers/{account}" in links) == (words == "ada")
