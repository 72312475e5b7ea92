"""Recorded histories of Stripe events, and what Stripe holds at any point of one."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

Object = dict[str, Any]

# Fourteen characters or more after the prefix are an id; words such as `in_progress` are not.
STRIPE_ID = re.compile(
    r"(?<![A-Za-z0-9_])"
    r"(?:cus|sub|si|in|il|ii|evt|pm|pi|ch|py|re|seti|txn|cs_test|cs_live|cs|req|sub_sched)"
    r"_[A-Za-z0-9]{14,}"
)
ACCOUNT_ID = re.compile(r"(?<![A-Za-z0-9_])acct_demo[A-Za-z0-9_-]*")
EMAIL = re.compile(r"([A-Za-z0-9._-]+)@example\.com")
SUFFIX = re.compile(r"[A-Za-z0-9]{1,40}")
# A number between these is a time in Unix seconds, from 2001 to 2096. Amounts in the recordings are
# far smaller.
FIRST_MOMENT, LAST_MOMENT = 1_000_000_000, 4_000_000_000


@dataclass(frozen=True, slots=True)
class Truth:
    """What Stripe holds at one point of a history: the latest object of each id. The objects are
    shared: read them, do not change them.
    """

    customers: dict[str, Object]
    subscriptions: dict[str, Object]
    invoices: dict[str, Object]
    payments: dict[str, Object] = field(default_factory=dict)

    def customer(self, customer_id: str) -> Object | None:
        """The customer, or None if Stripe has never had it. A deleted one is `{"id", "object",
        "deleted": True}`, as Stripe answers.
        """
        return self.customers.get(customer_id)

    def subscription(self, subscription_id: str) -> Object | None:
        """The subscription, whatever its status, or None."""
        return self.subscriptions.get(subscription_id)

    def subscriptions_of(self, customer_id: str) -> list[Object]:
        """All subscriptions of the customer, ended ones too, newest `created` first."""
        return _newest_first(self.subscriptions, customer_id)

    def invoices_of(self, customer_id: str) -> list[Object]:
        """All invoices of the customer, newest `created` first."""
        return _newest_first(self.invoices, customer_id)

    def invoice(self, invoice_id: str) -> Object | None:
        """The invoice, or None."""
        return self.invoices.get(invoice_id)

    def payments_of(self, invoice_id: str) -> list[Object]:
        """The payments of the invoice, as Stripe lists them, with their PaymentIntents expanded."""
        return [
            {"object": "invoice_payment", "payment": {"payment_intent": intent}}
            for intent in reversed(self.payments.values())
            if (intent.get("payment_details") or {}).get("order_reference") == invoice_id
        ]


@dataclass(frozen=True, slots=True)
class Recording:
    """One history: `events` in true order, `checkpoints` that say which subscriptions Stripe held
    after one of them, `prices` by lookup key.
    """

    name: str
    about: str
    events: list[Object]
    checkpoints: list[Object]
    prices: dict[str, str]

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read the file of a recording."""
        return cls.from_json(json.loads(Path(path).read_text(encoding="utf-8")))

    @classmethod
    def from_json(cls, content: Object) -> Self:
        """Take a recording from its JSON. Raises KeyError naming what is missing."""
        return cls(
            content["name"],
            content["about"],
            content["events"],
            content["checkpoints"],
            content["prices"],
        )

    def to_json(self) -> Object:
        """The JSON from which `from_json` makes the same recording."""
        return {
            "name": self.name,
            "about": self.about,
            "events": self.events,
            "checkpoints": self.checkpoints,
            "prices": self.prices,
        }

    @property
    def start(self) -> int:
        """The Unix second of the first event."""
        return int(self.events[0]["created"])

    @property
    def account_id(self) -> str | None:
        """The account id that the history's customer carries in its metadata, or None."""
        for event in self.events:
            account_id = (event["data"]["object"].get("metadata") or {}).get("account_id")
            if account_id:
                return str(account_id)
        return None

    def renamed(self, suffix: str, keep_email: bool = False) -> Self:
        """The same history of another customer.

        Every Stripe id, the account id and the e-mail get the suffix, everywhere and inside other
        strings too; prices and products stay. With `keep_email` the e-mail stays as well. Raises
        ValueError unless the suffix is 1 to 40 letters and digits.
        """
        if not SUFFIX.fullmatch(suffix):
            raise ValueError(f"a suffix is 1 to 40 letters and digits, not {suffix!r}")

        def rename(value: Any) -> Any:
            if not isinstance(value, str):
                return value
            value = STRIPE_ID.sub(rf"\g<0>{suffix}", value)
            value = ACCOUNT_ID.sub(rf"\g<0>_{suffix}", value)
            return value if keep_email else EMAIL.sub(rf"\g<1>-{suffix}@example.com", value)

        return self._with_each_value(rename)

    def moved_to(self, start: int) -> Self:
        """The same history, every time in it moved so that its first event is `created` at
        `start`.
        """
        distance = start - self.start

        def move(value: Any) -> Any:
            is_moment = (
                isinstance(value, int)
                and not isinstance(value, bool)
                and FIRST_MOMENT <= value <= LAST_MOMENT
            )
            return value + distance if is_moment else value

        return self._with_each_value(move)

    def truth(self, after: int | None = None) -> Truth:
        """What Stripe holds after the first `after` events; after all of them without `after`."""
        truth = Truth({}, {}, {})
        by_kind = {
            "customer": truth.customers,
            "subscription": truth.subscriptions,
            "invoice": truth.invoices,
            "payment_intent": truth.payments,
        }
        for event in self.events[:after]:
            thing = event["data"]["object"]
            if event["type"] == "customer.deleted":
                truth.customers[thing["id"]] = {
                    "id": thing["id"],
                    "object": "customer",
                    "deleted": True,
                }
            elif thing["object"] in by_kind:
                by_kind[thing["object"]][thing["id"]] = thing
        return truth

    def truth_at(self, moment: int) -> Truth:
        """What Stripe holds at a Unix second: all events `created` by then have happened."""
        return replace(
            self, events=[event for event in self.events if event["created"] <= moment]
        ).truth()

    def events_until(self, checkpoint: Object) -> int:
        """How many events had happened at this checkpoint: the argument of `truth` for it."""
        return 1 + next(
            place
            for place, event in enumerate(self.events)
            if event["id"] == checkpoint["after_event"]
        )

    def _with_each_value(self, change: Callable[[Any], Any]) -> Self:
        return replace(
            self,
            events=_changed(self.events, change),
            checkpoints=_changed(self.checkpoints, change),
        )


def _newest_first(things: dict[str, Object], customer_id: str) -> list[Object]:
    """Those of the customer. Of those created in one second, the one last reported comes first."""
    heard = enumerate(thing for thing in things.values() if thing.get("customer") == customer_id)
    return [thing for _, thing in sorted(heard, key=lambda pair: (-pair[1]["created"], -pair[0]))]


def _changed(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _changed(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_changed(inner, change) for inner in value]
    return change(value)
