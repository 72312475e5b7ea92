"""A stage that has been in use for five weeks: customers on trial, paying, late, leaving and gone,
with long names, an endpoint that does not answer, and messages that could not be processed.
"""

import secrets
from collections.abc import Callable
from typing import Any

from local.client import Client

DAY = 86400
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LONG = "Gesellschaft für Donaudampfschifffahrt und Elektrizitätswirtschaft mbH & Co. KG"

SIGNUPS: tuple[tuple[int, str, str, str], ...] = (
    (0, "Ada Byron", "ada@byron.example", "pro"),
    (0, "Grace Hopper", "grace@hopper.example", "scale"),
    (2, "Katherine Johnson", "katherine@johnson.example", "pro"),
    (2, LONG, "einkauf@donaudampfschifffahrtselektrizitaet.example", "scale"),
    (6, "Barbara Liskov", "barbara@liskov.example", "pro"),
    (10, "Björk & Söhne", "buero@bjoerk.example", "pro"),
    (18, "Radia Perlman", "radia@perlman.example", "pro"),
    (20, "Joan Clarke", "joan@clarke.example", "scale"),
    (20, "Edsger Dijkstra", "edsger@dijkstra.example", "pro"),
    (28, "Tim Lee", "tim@lee.example", "pro"),
    (28, "Margaret Hamilton", "margaret@hamilton.example", "scale"),
    (34, "", "hello@no-name-given.example", "pro"),
    (36, "Linus Pauling", "linus@pauling.example", "pro"),
)
"""Who signs up: the day, the name, the address, and the plan that is tried."""


class ExampleCustomers:
    """The customers of a running system, by the beginning of their address."""

    def __init__(self, system: Client) -> None:
        self.system, self.began = system, system.now()
        self.accounts: dict[str, str] = {}
        self.stripe = Client(system.state()["stripe_base"], "sk_test_1")
        self.endpoint = ""

    def on(self, day: int) -> None:
        """Time passes until that day."""
        self.system.move_clock(self.began + day * DAY)

    def signs_up(self, name: str, email: str, plan: str) -> None:
        fields = {"email": email, "plan": plan} | ({"name": name} if name else {})
        status, body = self.system.post("/signups", fields)
        assert status == 201, body
        self.accounts[email.partition("@")[0]] = body["account_id"]
        self.system.settle()

    def calls(self, who: str, call: str, **fields: Any) -> None:
        """A call of the API for one customer."""
        status, body = self.system.post(f"/accounts/{self.accounts[who]}/{call}", fields)
        assert status < 300, (who, call, body)
        self.system.settle()

    def gives(self, who: str, card: str) -> None:
        """The customer saves a card at Stripe."""
        (customer,) = self.system.call("GET", f"/accounts/{self.accounts[who]}")[1]["customers"]
        path = f"/_test/customers/{customer}/card"
        assert self.stripe.post(path, {"card": card})[0] == 200
        self.system.settle()

    def listens(self) -> None:
        """The owner's program is to get events, and does not answer."""
        url = "http://127.0.0.1:40009/billhook/events"
        fields = {"url": url, "description": "The warehouse's copy of every event"}
        made, endpoint = self.system.post("/webhooks/endpoints", fields)
        assert made == 201, endpoint
        self.endpoint = endpoint["id"]

    def loses(self, number: int) -> None:
        """Events arrive that no release can read."""
        for _ in range(number):
            event = {
                "id": f"evt_{secrets.token_hex(8)}",
                "object": "event",
                "type": "invoice.paid",
                "livemode": False,
                "created": self.system.now(),
                "data": 5,
            }
            secret = self.system.state()["webhook_secret"]
            assert self.system.send_event(event, secret, self.system.now())[0] == 200
        self.system.settle()

    def offers(self, coupon: str) -> None:
        """A coupon is made at Stripe."""
        body = f"id={coupon}&percent_off=20&duration=forever".encode()
        assert self.stripe.call("POST", "/v1/coupons", body, FORM)[0] == 200


Change = Callable[[ExampleCustomers], None]

CHANGES: tuple[tuple[int, Change], ...] = (
    (2, lambda stage: stage.calls("ada", "milestones", name="connected_data")),
    (2, lambda stage: stage.gives("ada", "tok_visa")),
    (2, lambda stage: stage.gives("grace", "tok_mastercard")),
    (6, lambda stage: stage.calls("einkauf", "milestones", name="connected_data")),
    (6, lambda stage: stage.gives("einkauf", "tok_amex")),
    (10, lambda stage: stage.gives("barbara", "tok_visa")),
    (10, lambda stage: stage.calls("buero", "milestones", name="invited_team")),
    (10, lambda stage: stage.gives("buero", "tok_visa")),
    (18, lambda stage: stage.offers("LOYAL20")),
    (18, lambda stage: stage.calls("grace", "discount", coupon="LOYAL20")),
    (20, lambda stage: stage.calls("ada", "plan", plan="scale")),
    (20, lambda stage: stage.gives("radia", "tok_chargeCustomerFail")),
    (20, lambda stage: stage.gives("joan", "tok_visa")),
    (28, lambda stage: stage.calls("buero", "cancel", when="now", reason="too_expensive")),
    (28, lambda stage: stage.calls("barbara", "cancel", when="period_end", reason="unused")),
    (28, lambda stage: stage.listens()),
    (34, lambda stage: stage.calls("margaret", "milestones", name="connected_data")),
    (34, lambda stage: stage.gives("margaret", "tok_visa")),
    (36, lambda stage: stage.calls("edsger", "grants", until="2099-01-01T00:00:00Z", note="Jury")),
    (37, lambda stage: stage.loses(3)),
)
"""What else happens, and on which day."""


def lived_through(system: Client) -> ExampleCustomers:
    """The customers, five weeks after its first customer."""
    stage = ExampleCustomers(system)
    days = {day for day, *_ in SIGNUPS} | {day for day, _ in CHANGES}
    for day in sorted(days):
        stage.on(day)
        for on, *who in SIGNUPS:
            if on == day:
                stage.signs_up(*who)
        for on, change in CHANGES:
            if on == day:
                change(stage)
    return stage
