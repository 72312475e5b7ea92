"""Asking Stripe. The only place that loads its SDK, and only when something is asked."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from chalicelib.domain.errors import Unavailable
from chalicelib.domain.facts import Answer, Answered, Ask, CustomerSeen, InvoiceSeen, StripeFact, SubscriptionSeen
from chalicelib.stripe_api import objects

if TYPE_CHECKING:
    from chalicelib.domain.account import Account

TIMEOUT_SECONDS = 8
RETRIES = 1

Raw = Mapping[str, Any]


class Gateway(Protocol):
    """What Billhook asks of Stripe. Objects come as plain dicts; Unavailable is raised where Stripe gives no answer now."""

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

    @cached_property
    def _client(self) -> Any:
        import stripe

        return stripe.StripeClient(
            self._api_key(),
            base_addresses={"api": self._api_base} if self._api_base else None,
            http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
            max_network_retries=RETRIES,
        )

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
            answer = self._client.raw_request("get", path, **parameters)
        except stripe.InvalidRequestError as error:
            if error.http_status == 404:
                return None
            raise Unavailable(f"Stripe refused a question ({error.http_status}): see its request log.") from error
        except stripe.StripeError as error:
            raise Unavailable(f"Stripe gave no answer ({type(error).__name__}).") from error
        found: Raw = json.loads(answer.body if isinstance(answer.body, str) else answer.body.decode())
        return found


def answer(gateway: Gateway, ask: Ask, account: "Account", now: datetime) -> Answered:
    """Ask Stripe, with every object fenced by what `account` knows of it as the request begins. Raises Unavailable."""
    began = now.replace(microsecond=0)
    facts: list[StripeFact] = []
    match ask.what:
        case "customer":
            raw = gateway.customer(ask.id)
            facts = [CustomerSeen(objects.customer(raw), Answer(began, account.mark(ask.id)))] if raw else []
        case "subscription":
            raw = gateway.subscription(ask.id)
            facts = [SubscriptionSeen(objects.subscription(raw), Answer(began, account.mark(ask.id)))] if raw else []
        case "belongings":
            facts = [SubscriptionSeen(objects.subscription(raw), Answer(began, account.mark(raw["id"]))) for raw in gateway.subscriptions_of(ask.id)]
            facts += [InvoiceSeen(objects.invoice(raw), began) for raw in gateway.invoices_of(ask.id)]
    return Answered(ask, tuple(facts))
