"""The pages of the simulated Stripe, as plain HTML without scripts: Checkout, the portal and
invoices for customers, and a small dashboard for the owner.
"""

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from chalicelib.localization.amounts import money
from local.http_server import Answer, Request
from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object
from local.stripe_sim.hosted import dashboard
from local.stripe_sim.hosted.checkout import wants_card
from local.stripe_sim.lifecycle.engine import Engine

TEST_CARDS = (
    ("4242424242424242", "Visa that pays"),
    ("4000000000000341", "Can be saved, every payment is declined"),
    ("4000000000000002", "Declined"),
    ("4000002760003184", "Asks for 3-D Secure each time"),
    ("000123456789", "US bank account: a debit takes days, and pays"),
    ("000222222227", "US bank account: a debit takes days, and comes back"),
)
"""What the pages offer to choose from."""


def answer(engine: Engine, request: Request) -> Answer:
    """The page at an address."""
    form = dict(parse_qsl(request.body.decode(errors="replace")))
    match [request.method, *(segment for segment in request.path.split("/") if segment)]:
        case ["GET"]:
            return _page(engine, "customers", 200, customers=dashboard.customers(engine))
        case ["GET", "customers", id] if customer := dashboard.customer(engine, id):
            return _page(engine, "customer", 200, money=money, **customer)
        case ["GET" | "POST", "c", "pay", id]:
            return _checkout(
                engine,
                engine.store.objects.get("checkout.session", {}).get(id),
                form if request.method == "POST" else None,
            )
        case ["GET" | "POST", "p", "session", id]:
            return _portal(engine, id, form if request.method == "POST" else None)
        case ["GET" | "POST", "invoice", id]:
            return _invoice(
                engine,
                engine.store.objects.get("invoice", {}).get(id),
                form if request.method == "POST" else None,
            )
    return _page(
        engine, "message", 404, title="There is nothing here", text="This page does not exist."
    )


def _checkout(engine: Engine, session: Object | None, form: dict[str, str] | None) -> Answer:
    if session is None:
        return _page(
            engine, "message", 404, title="No such Checkout", text="This session does not exist."
        )
    if session["status"] != "open":
        return _page(
            engine,
            "message",
            200,
            title=f"This Checkout is {session['status']}",
            text="Please go back to where you came from.",
        )
    values = {
        "session": session,
        "lines": _lines(engine, session),
        "cards": TEST_CARDS,
        "wants_card": wants_card(session),
    }
    if form is None:
        return _page(engine, "checkout", 200, problem="", authenticate="", **values)
    card = form.get("number", "").replace(" ", "") or form.get("card", "")
    if form.get("authenticate") == "fail":
        return _page(
            engine,
            "checkout",
            402,
            problem="We are unable to authenticate your payment method.",
            authenticate="",
            **values,
        )
    try:
        engine.checkout.complete(
            session, card or None, authenticated=form.get("authenticate") == "authorize"
        )
    except StripeRefusal as refusal:
        asked = card if refusal.error.get("code") == "authentication_required" else ""
        return _page(
            engine,
            "checkout",
            402,
            problem="" if asked else refusal.error["message"],
            authenticate=asked,
            **values,
        )
    return Answer(
        303,
        b"",
        [("Location", str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"]))],
    )


def _lines(engine: Engine, session: Object) -> list[str]:
    lines = []
    for line in session["_wanted"].get("line_items") or []:
        price = engine.store.find("price", line["price"])
        product = engine.store.find("product", price["product"])
        cost = money((price["unit_amount"] or 0) * line.get("quantity", 1), price["currency"])
        lines.append(
            f"{product['name']}, {cost} a {(price['recurring'] or {}).get('interval', 'time')}"
        )
    return lines


def _portal(engine: Engine, id: str, form: dict[str, str] | None) -> Answer:
    state = engine.checkout.portal_state(id)
    if state is None:
        return _page(
            engine,
            "message",
            404,
            title="No such session",
            text="This portal session does not exist.",
        )
    problem = ""
    if form is not None:
        try:
            _do_in_portal(engine, state, form)
        except StripeRefusal as refusal:
            problem = refusal.error["message"]
        state = engine.checkout.portal_state(id) or state
    return _page(
        engine,
        "portal",
        402 if problem else 200,
        problem=problem,
        cards=TEST_CARDS,
        money=money,
        **state,
    )


def _do_in_portal(engine: Engine, state: Object, form: dict[str, str]) -> None:
    needs = {"card": "card", "email": "email", "cancel": "cancel", "keep": "cancel"}
    needed = needs.get(form.get("do", ""))
    if needed and needed not in state["allows"]:
        raise StripeRefusal("The configuration of this portal does not allow that.")
    if form.get("do") == "card":
        engine.checkout.set_default_card(
            state["customer"], form.get("number", "").replace(" ", "") or form.get("card", "")
        )
        return
    if form.get("do") == "email":
        with engine.store.changing(state["customer"], "customer.updated"):
            state["customer"]["email"] = form.get("email", "").strip() or None
        return
    subscription = next(
        (one for one in state["subscriptions"] if one["id"] == form.get("subscription")), None
    )
    if subscription is None:
        return
    match form.get("do"):
        case "cancel":
            engine.checkout.portal_cancel(subscription)
        case "keep":
            engine.checkout.portal_uncancel(subscription)
        case "resume":
            engine.subscriptions.resume(subscription, "now")
            invoice = engine.store.find("invoice", subscription["latest_invoice"])
            if invoice["status"] == "open":
                engine.invoices.pay(invoice)


def _invoice(engine: Engine, invoice: Object | None, form: dict[str, str] | None) -> Answer:
    if invoice is None:
        return _page(
            engine, "message", 404, title="No such invoice", text="This invoice does not exist."
        )
    problem = ""
    if form is not None:
        try:
            engine.checkout.authenticate(invoice)
        except StripeRefusal as refusal:
            problem = refusal.error["message"]
    return _page(
        engine, "invoice", 402 if problem else 200, invoice=invoice, problem=problem, money=money
    )


def _page(engine: Engine, name: str, status: int, **values: Any) -> Answer:
    html = _environment().get_template(f"{name}.html").render(home=engine.home, **values)
    return Answer(
        status,
        html.encode(),
        [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store")],
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
