"""Sixty days of one typical customer of each kind in the real system: the mailbox is the
rehearsal's calendar, mail by mail.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chalicelib.domain.policy.read import read_policy
from local.client import Client
from ops.rehearsal.calendar import Row, rehearse
from ops.rehearsal.customers import CUSTOMERS, Customer

POLICY = read_policy((Path(__file__).parents[3] / "chalicelib" / "billing.toml").read_text())
DAYS = 60
NEAR = timedelta(minutes=2)
"""Between two lives in one system whose deeds are done one after another, by a clock that goes on
by itself as well.
"""


@dataclass
class Person:
    """A customer in the system, who does by hand what the script says."""

    customer: Customer
    system: Client
    stripe: Client
    account: str
    begun: datetime

    def at(self, day: float) -> int:
        return int(self.begun.timestamp() + day * 86400)

    def do(self, what: str) -> None:
        match what:
            case "opens":
                (welcome,) = self.mails()
                link = re.search(r"http://[^\s\"]+(/billing/[^\s\"]+)", welcome["text"])
                assert link, "the first mail has a link that proves the address"
                form = {"Content-Type": "application/x-www-form-urlencoded"}
                assert self.system.call("POST", link[1], b"", form)[0] == 303
            case "uses":
                for name in POLICY.milestones:
                    assert (
                        self.system.post(f"/accounts/{self.account}/milestones", {"name": name})[0]
                        == 204
                    )
            case "gives a card":
                self.stripe.post(f"/_test/customers/{self.cus()}/card", {"card": "tok_visa"})
            case "loses the card":
                self.stripe.post(
                    f"/_test/customers/{self.cus()}/card", {"card": "tok_chargeCustomerFail"}
                )
            case "cancels":
                (subscription,) = self.subscriptions()
                form = {"Content-Type": "application/x-www-form-urlencoded"}
                body = f"cancel_at={self.period_end(subscription)}".encode()
                assert (
                    self.stripe.call("POST", f"/v1/subscriptions/{subscription['id']}", body, form)[
                        0
                    ]
                    == 200
                )
            case "buys":
                status, made = self.system.post(f"/accounts/{self.account}/checkout", {})
                assert status == 200, made
                self.stripe.post(
                    f"/_test/checkout/{made['url'].rpartition('/')[2]}", {"card": "tok_visa"}
                )
        self.system.settle()

    def period_end(self, subscription: Any) -> int:
        return int(subscription["items"]["data"][0]["current_period_end"])

    def cus(self) -> str:
        account = self.system.account(self.account)
        assert account
        return str(self.subscriptions()[0]["customer"])

    def subscriptions(self) -> list[Any]:
        status, body = self.stripe.call("GET", "/v1/subscriptions?limit=100&status=all")
        assert status == 200
        return [one for one in body["data"] if one["metadata"].get("account_id") == self.account]

    def mails(self) -> list[dict[str, Any]]:
        return self.system.mail(self.account)


def begin(customer: Customer, system: Client, stripe: Client) -> Person:
    status, body = system.post(
        "/signups", {"email": f"ada-{secrets.token_hex(4)}@example.com", "name": "Ada Byron"}
    )
    assert status == 201, body
    system.settle()
    ends = datetime.fromisoformat(body["trial_ends_at"])
    return Person(
        customer, system, stripe, body["account_id"], ends - timedelta(days=POLICY.trial.days)
    )


def same(mail: dict[str, Any], row: Row) -> bool:
    anchors = {step.id: step.anchor for step in POLICY.steps}
    near = abs(datetime.fromisoformat(mail["at"]) - row.at) <= NEAR
    return near and (mail["step"], anchors[mail["step"]], mail["stream"]) == (
        row.name,
        row.occasion,
        row.stream,
    )


def test_each_mailbox_is_the_calendar_mail_by_mail(system: Client) -> None:
    stripe = Client(system.state()["stripe_base"], "sk_test_1")
    people = [begin(customer, system, stripe) for customer in CUSTOMERS]
    deeds = [
        (person.at(deed.at_day(POLICY.trial.days)), place, deed.what)
        for place, person in enumerate(people)
        for deed in person.customer.deeds
    ]
    for second, place, what in sorted(deeds):
        system.move_clock(second)
        people[place].do(what)
    system.move_clock(max(person.at(DAYS) for person in people))
    for person in people:
        (calendar,) = rehearse(POLICY, person.begun.astimezone(UTC), DAYS, [person.customer])
        until = person.begun + timedelta(days=DAYS)
        mails = [mail for mail in person.mails() if datetime.fromisoformat(mail["at"]) <= until]
        shown = (
            [(mail["at"], mail["step"]) for mail in mails],
            [(row.at.isoformat(), row.name) for row in calendar.mails],
        )
        assert len(mails) == len(calendar.mails), shown
        assert all(same(mail, row) for mail, row in zip(mails, calendar.mails, strict=True)), shown
