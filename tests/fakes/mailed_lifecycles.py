"""Customers whom the owner's team subscribed at a simulated Stripe, with the mail that they get: by
card, by bank debit, or by sent invoice, in dollars or euros, in English or German.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.policy.read import read_policy
from chalicelib.usecases.messaging.send_message import send_message
from chalicelib.usecases.services import MailServices
from tests.fakes.lifecycles import MemoryClaims, MemoryMailer, Sent
from tests.fakes.services import ROOT, SHIPPED
from tests.fakes.simulated_lifecycles import DAY, SimLife

ACCOUNT = "acc_mailed"
BANK_PAYS = {"usd": "000123456789", "eur": "DE89370400440532013000"}
BANK_FAILS = {"usd": "000222222227", "eur": "DE62370400440532013001"}
"""Bank accounts by currency: ACH for dollars, SEPA for euros."""


def reminding() -> Policy:
    """The shipped policy with the reminders of sent invoices switched on."""
    text = (ROOT / "chalicelib" / "billing.toml").read_text()
    before, name, after = text.partition("[sequences.invoices]")
    assert "on = false" in after.partition("[sequences.card_expiry]")[0]
    return read_policy(before + name + after.replace("on = false", "on = true", 1))


@dataclass
class MailedLife(SimLife):
    """`sells` a subscription, then let time pass; `mails` are those that SES took."""

    policy: Policy = SHIPPED
    currency: str = "usd"
    language: str = "en"
    claims: MemoryClaims = field(default_factory=MemoryClaims)
    suppressed: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.mailer = MemoryMailer(self)

    def addressee(self, account_id: str) -> Account:
        assert account_id == self.account_id
        return self.account

    @property
    def mails(self) -> list[Sent]:
        return self.mailer.sent

    @property
    def calendar(self) -> list[tuple[str, float]]:
        """The step and the day of each mail, days counted from the sale."""
        return [(one.step, round((one.at - self.sold_at) / DAY, 1)) for one in self.mails]

    def text(self, step: str) -> str:
        (letter,) = [one.letter for one in self.mails if one.step == step]
        return " ".join(f"{letter.subject} {letter.text}".split())

    def types(self) -> list[str]:
        """The types of the account's domain events."""
        return [entry.type for entry in self.place.timeline.entries.values()]

    def sells(self, method: str | None, **terms: Any) -> "MailedLife":
        ours = {"account_id": ACCOUNT}
        price = self.stage.price("pro_monthly")
        if self.currency != "usd":
            options = {self.currency: {"unit_amount": 4500}}
            self.stage.post(f"/v1/prices/{price}", currency_options=options)
        customer = self.stage.post(
            "/v1/customers",
            email="ada@example.com",
            name="Ada Byron",
            metadata=ours,
            preferred_locales=[self.language],
        )["id"]
        if method:
            self.stage.gives(customer, method)
        self.stage.post(
            "/v1/subscriptions",
            customer=customer,
            items=[{"price": price}],
            currency=self.currency,
            metadata=ours,
            **terms,
        )
        self.account_id, self.sold_at = ACCOUNT, self.place.now.at
        self.hear()
        return self

    def sends(self, days: int = 14, **terms: Any) -> "MailedLife":
        """A subscription whose invoices are sent, due in so many days."""
        return self.sells(None, collection_method="send_invoice", days_until_due=days, **terms)

    def first_after_trial(self, account: str) -> "MailedLife":
        """The first payment is due on day 7."""
        self.sells(account, trial_period_days=7)
        return self

    def renewal(self, account: str) -> "MailedLife":
        """The first month is paid, and the renewal of day 31 is by `account`."""
        self.sells(BANK_PAYS[self.currency]).days(20)
        self.gives_card(account)
        return self

    def transferred(self) -> None:
        """The customer pays the sent invoice by bank transfer."""
        open_one = next(one for one in self.objects("invoice") if one["status"] == "open")
        self.stage.post(f"/v1/invoices/{open_one['id']}/pay", paid_out_of_band=True)
        self.hear()

    def _stop_at(self, moment: datetime, deaf: bool) -> None:
        super()._stop_at(moment, deaf)
        office = MailServices(
            self.mailer,
            self.claims,
            lambda email, stream: (email, stream) in self.suppressed,
            lambda link: f"https://b.example/{link.purpose}",
            lambda email: email,
            sign_in_form="https://b.example/sign-in",
        )
        waiting, self.place.mail_queue.waiting[:] = list(self.place.mail_queue.waiting), []
        for work in waiting:
            try:
                send_message(work["account_id"], work["key"], self.place.services, office)
            except Unavailable:  # the queue gives it back
                self.place.mail_queue.waiting.append(work)


def steps_only(policy: Policy, *sequences: str) -> Policy:
    """The policy with the steps of these sequences alone."""
    return replace(policy, steps=tuple(step for step in policy.steps if step.sequence in sequences))
