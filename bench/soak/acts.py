"""What customers do: over Billhook's HTTP, by Stripe's API, and on Stripe's pages."""

import re
from collections.abc import Callable
from typing import Any, Protocol

from bench.soak.lifecycles import Customer
from local.stripe_sim.api.api import Api, ApiRequest
from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.billing.periods import FINAL
from local.stripe_sim.lifecycle.engine import Engine
from tests.fakes.stripe.sim import pairs


class Doors(Protocol):
    """What customers use: Billhook's HTTP, and the simulated Stripe."""

    @property
    def engine(self) -> Engine:
        """The simulated Stripe's."""

    @property
    def api(self) -> Api:
        """The simulated Stripe's."""

    def ours(self, method: str, path: str, content: Any = None, number: int = 0) -> tuple[int, Any]:
        """Status and body of a call to Billhook with the product's key, from the network
        address of that customer.
        """

    def mail_of(self, account_id: str) -> list[str]:
        """The texts of the mails to an account, the newest last."""


FORM = "application/x-www-form-urlencoded"
"""How a button is pressed: a form without fields."""


class NothingToDo(Exception):
    """The action is not possible now, such as when the subscription has ended already."""


class Actor:
    """Performs the customers' actions."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def act(self, customer: Customer, does: str, with_: tuple[str, ...]) -> None:
        """Perform one of ACTS. An action that is not possible is noted with the customer.
        Raises AssertionError if a response is wrong.
        """
        try:
            ACTS[does](self, customer, *with_)
        except (NothingToDo, StripeRefusal) as refusal:
            customer.refused.append(f"{does}: {refusal}")

    def signs_up(self, customer: Customer) -> None:
        """By the sign-up form of the marketing site."""
        wish = {"email": customer.email, "name": f"Customer {customer.number}"} | (
            {"timezone": customer.zone} if customer.zone else {}
        )
        status, body = self._doors.ours("POST", "/signups", wish, customer.number)
        assert status == 201, (status, body)
        customer.account_id = body["account_id"]

    def is_made(self, customer: Customer) -> None:
        """The product creates the customer at Stripe. Billhook may hear of it later."""
        customer.account_id = f"acc_made_{customer.number}"
        self._stripe(
            "POST",
            "/v1/customers",
            {"email": customer.email, "metadata": {"account_id": customer.account_id}},
        )

    def gives_card(self, customer: Customer, card: str) -> None:
        """In Stripe's portal."""
        engine = self._doors.engine
        with engine.lock:
            engine.catch_up()
            engine.checkout.set_default_card(self._customer(customer), card)

    def buys(self, customer: Customer, card: str) -> None:
        """By a Checkout of Billhook's, to save a card or to buy. Every second customer returns
        by the page that Stripe redirects to.

        A customer whom Billhook does not know buys from the product itself: then Billhook hears
        of it at the latest.
        """
        status, body = self._doors.ours(
            "POST",
            f"/accounts/{customer.account_id}/checkout",
            {"plan": "pro", "interval": "month"},
        )
        if status == 404:
            self.gives_card(customer, card)
            self._stripe(
                "POST",
                "/v1/subscriptions",
                {"customer": customer.stripe_id, "items": [{"price": self._price("pro_monthly")}]},
            )
            return
        if status == 409:
            raise NothingToDo(f"{status} {body['error']['code']}")
        assert status == 200, (status, body)
        engine = self._doors.engine
        with engine.lock:
            engine.catch_up()
            session = engine.store.find("checkout.session", body["url"].rpartition("/")[2])
            engine.checkout.complete(session, card, authenticated=True)
        if customer.number % 2:
            back = str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])
            status, body = self._doors.ours(
                "GET",
                "/billing/return/" + back.partition("/billing/return/")[2],
                None,
                customer.number,
            )
            assert status in (200, 303), (status, body)

    def cancels_at_period_end(self, customer: Customer) -> None:
        self._change(customer, {"cancel_at_period_end": True})

    def changes_mind(self, customer: Customer) -> None:
        self._change(customer, {"cancel_at_period_end": False})

    def cancels_now(self, customer: Customer) -> None:
        self._stripe("DELETE", f"/v1/subscriptions/{self._subscription(customer)['id']}")

    def pauses(self, customer: Customer) -> None:
        self._change(customer, {"pause_collection": {"behavior": "void"}})

    def goes_on(self, customer: Customer) -> None:
        self._change(customer, {"pause_collection": ""})

    def switches_plan(self, customer: Customer, lookup_key: str) -> None:
        item = self._subscription(customer)["items"]["data"][0]["id"]
        self._change(customer, {"items": [{"id": item, "price": self._price(lookup_key)}]})

    def authenticates(self, customer: Customer) -> None:
        """Confirms an open payment with the bank."""
        engine = self._doors.engine
        with engine.lock:
            engine.catch_up()
            id = self._customer(customer)["id"]
            invoices = [
                one
                for one in engine.store.all("invoice")
                if one["customer"] == id and one["status"] == "open"
            ]
            if not invoices:
                raise NothingToDo("no open invoice")
            for invoice in invoices:
                engine.checkout.authenticate(invoice)

    def is_deleted(self, customer: Customer) -> None:
        self._stripe("DELETE", f"/v1/customers/{self._customer(customer)['id']}")

    def opens_link(self, customer: Customer) -> None:
        """Presses the button behind the link of the newest mail, which proves the address."""
        self._follow(customer, "billing", "POST")

    def unsubscribes(self, customer: Customer) -> None:
        """Unsubscribes with one click."""
        self._follow(customer, "unsubscribe", "POST")

    def uses(self, customer: Customer) -> None:
        """Reaches a milestone of the product, which reports it."""
        status, body = self._doors.ours(
            "POST", f"/accounts/{customer.account_id}/milestones", {"name": "connected_data"}
        )
        if status == 404:
            raise NothingToDo("no account yet")
        assert status == 204, (status, body)

    def _follow(self, customer: Customer, purpose: str, method: str) -> None:
        for text in reversed(self._doors.mail_of(customer.account_id)):
            if link := re.search(rf"https?://[^/\s]+(/{purpose}/[^\s>)]+)", text):
                status, body = self._doors.ours(method, link[1], None, customer.number)
                # 4xx: an older link, voided by the first that was opened.
                assert status in (200, 303, 400, 404, 410), (
                    status,
                    body,
                )
                return
        raise NothingToDo(f"no mail with a link to {purpose}")

    def _change(self, customer: Customer, what: dict[str, Any]) -> None:
        self._stripe("POST", f"/v1/subscriptions/{self._subscription(customer)['id']}", what)

    def _stripe(self, method: str, path: str, what: dict[str, Any] | None = None) -> Any:
        status, body = self._doors.api.answer(ApiRequest(method, path, pairs(what or {})))
        if status != 200:
            raise NothingToDo(body["error"]["message"])
        return body

    def _price(self, lookup_key: str) -> str:
        return next(
            str(one["id"])
            for one in self._doors.engine.store.all("price")
            if one["lookup_key"] == lookup_key
        )

    def _customer(self, customer: Customer) -> Any:
        customers = self._doors.engine.store.objects.get("customer", {})
        if not customer.stripe_id:
            found = [
                one["id"]
                for one in list(customers.values())
                if one["metadata"].get("account_id") == customer.account_id
            ]
            if not found:
                raise NothingToDo("not at Stripe yet")
            customer.stripe_id = found[-1]
        if customers[customer.stripe_id].get("deleted"):
            raise NothingToDo("deleted at Stripe")
        return customers[customer.stripe_id]

    def _subscription(self, customer: Customer) -> Any:
        id = self._customer(customer)["id"]
        living = [
            one
            for one in self._doors.engine.store.all("subscription")
            if one["customer"] == id and one["status"] not in FINAL
        ]
        if not living:
            raise NothingToDo("no living subscription")
        return living[0]


ACTS: dict[str, Callable[..., None]] = {
    name: what for name, what in vars(Actor).items() if not name.startswith("_") and name != "act"
}
"""By name."""
