"""Asking Stripe. The only place that loads its SDK, and only when something is asked."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from chalicelib.domain.errors import Refused, Unavailable, Unreadable
from chalicelib.domain.facts import Answer, Answered, Ask, CustomerSeen, InvoiceSeen, StripeFact, SubscriptionSeen
from chalicelib.stripe_api import objects

if TYPE_CHECKING:
    from chalicelib.domain.account import Account

TIMEOUT_SECONDS = 8
RETRIES = 1
PASSING = frozenset({408, 409, 429})
"""Refusals that the same question may not meet again a moment later."""

Raw = Mapping[str, Any]


class Gateway(Protocol):
    """What Billhook asks of Stripe. Objects come as plain dicts. Raises Unavailable where Stripe gives no answer now, Refused where it will not."""

    def customer(self, id: str) -> Raw | None:
        """The customer, deleted or not; None if Stripe knows of none."""

    def subscription(self, id: str) -> Raw | None:
        """The subscription; None if Stripe knows of none."""

    def subscriptions_of(self, customer: str) -> list[Raw]:
        """All subscriptions of a customer, of whatever status."""

    def invoices_of(self, customer: str) -> list[Raw]:
        """The newest hundred invoices of a customer."""


class StripeGateway:
    """Stripe's API by its SDK."""

    def __init__(self, api_key: Callable[[], str], api_base: str | None = None) -> None:
        self._api_key = api_key
        self._api_base = api_base
        self._made: tuple[str, Any] | None = None

    def _client(self) -> Any:
        """The SDK's client, made anew when the key has been rotated."""
        import stripe

        key = self._api_key()
        if self._made is None or self._made[0] != key:
            client = stripe.StripeClient(
                key,
                base_addresses={"api": self._api_base} if self._api_base else None,
                http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
                max_network_retries=RETRIES,
            )
            self._made = key, client
        return self._made[1]

    def customer(self, id: str) -> Raw | None:
        """See Gateway."""
        return self._get(f"/v1/customers/{id}")

    def subscription(self, id: str) -> Raw | None:
        """See Gateway."""
        return self._get(f"/v1/subscriptions/{id}")

    def subscriptions_of(self, customer: str) -> list[Raw]:
        """See Gateway."""
        found: list[Raw] = []
        page: Raw | None = {"has_more": True}
        while page and page["has_more"]:
            after = {"starting_after": found[-1]["id"]} if found else {}
            page = self._get("/v1/subscriptions", customer=customer, status="all", limit=100, **after)
            found += page["data"] if page else []
        return found

    def invoices_of(self, customer: str) -> list[Raw]:
        """See Gateway."""
        page = self._get("/v1/invoices", customer=customer, limit=100)
        return page["data"] if page else []

    def _get(self, path: str, **parameters: Any) -> Raw | None:
        import stripe

        try:
            answer = self._client().raw_request("get", path, **parameters)
        except stripe.StripeError as error:
            status = error.http_status or 0
            if status == 404:
                return None
            if 400 <= status < 500 and status not in PASSING:
                raise Refused(f"Stripe refuses a question ({status}): may the key read it?") from error
            raise Unavailable(f"Stripe gave no answer ({type(error).__name__}).") from error
        found: Raw = json.loads(answer.body if isinstance(answer.body, str) else answer.body.decode())
        return found


def answer(gateway: Gateway, ask: Ask, account: "Account", now: datetime) -> tuple[Answered, int]:
    """Stripe's answer, each object fenced by what `account` knows of it as the request begins, and how many objects could not be read.

    One that cannot be read does not keep the others from being learnt. Raises Unavailable, Refused.
    """
    began = now.replace(microsecond=0)
    facts = [_fact(ask.what, raw, account, began) for raw in _asked(gateway, ask)]
    return Answered(ask, tuple(fact for fact in facts if fact)), facts.count(None)


def _asked(gateway: Gateway, ask: Ask) -> list[Raw]:
    match ask.what:
        case "customer":
            found = gateway.customer(ask.id)
        case "subscription":
            found = gateway.subscription(ask.id)
        case "subscriptions":
            return gateway.subscriptions_of(ask.id)
        case _:
            return gateway.invoices_of(ask.id)
    return [found] if found else []


def _fact(what: str, raw: Raw, account: "Account", began: datetime) -> StripeFact | None:
    try:
        if what == "customer":
            return CustomerSeen(objects.customer(raw), Answer(began, account.mark(raw["id"])))
        if what == "invoices":
            return InvoiceSeen(objects.invoice(raw), began)
        return SubscriptionSeen(objects.subscription(raw), Answer(began, account.mark(raw["id"])))
    except (Unreadable, KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return None
