"""The accounts that the metadata of Stripe's objects names."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Protocol

from chalicelib.domain.account.facts import StripeFact
from chalicelib.domain.account.joins import NamedAccount, chosen
from chalicelib.domain.ids import well_formed
from chalicelib.domain.security.account_proof import proves
from chalicelib.domain.stripe_objects.answers import CustomerAnswer, SubscriptionAnswer
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.services import Services

LONG_AGO = datetime.fromtimestamp(0, UTC)


class Evidence(Protocol):
    """What may say whose customer it is about: an event, or an entry of a list. `account_id` is the
    one that Stripe's metadata names, `account_proof` what stands beside it.
    """

    @property
    def customer(self) -> str | None:
        """The customer that it is about."""

    @property
    def account_id(self) -> str | None:
        """The account that the metadata names."""

    @property
    def account_proof(self) -> str | None:
        """What stands beside it in the metadata."""

    @property
    def fact(self) -> StripeFact | None:
        """What it says."""


class NamedAccounts:
    """The accounts that the metadata of one customer's objects names: of the customer as Stripe
    answered, of its subscriptions, which are asked for only if they decide, and of the evidence at
    hand. Its properties raise Unavailable, Refused.
    """

    def __init__(
        self,
        customer: str,
        found: CustomerAnswer | None,
        in_hand: Sequence[Evidence],
        services: Services,
        fetcher: StripeFetcher,
        subscriptions: Sequence[SubscriptionAnswer] | None = None,
    ) -> None:
        self._customer, self._found, self._in_hand = customer, found, in_hand
        self._subscriptions = subscriptions
        self._services, self._fetcher = services, fetcher

    @property
    def first(self) -> NamedAccount | None:
        """The one that counts of those that the customer names, or else its subscriptions, the
        oldest first, and then the evidence at hand.
        """
        found = self._found
        own = self._named(found.account_id, found.account_proof) if found else []
        in_hand = [
            named
            for one in self._in_hand
            for named in self._named(one.account_id, one.account_proof)
        ]
        return chosen([*(own or self._by_subscriptions), *in_hand])

    @property
    def proved_by_a_subscription(self) -> NamedAccount | None:
        """The one that a subscription of the customer names and proves, if any does."""
        return next((one for one in self._by_subscriptions if one.proved), None)

    @cached_property
    def _by_subscriptions(self) -> list[NamedAccount]:
        if not self._found:
            return []
        subscriptions = self._subscriptions
        if subscriptions is None:
            subscriptions = self._fetcher.put(
                lambda: self._services.stripe.reader.subscriptions_of(self._customer)
            )
        return [
            named
            for one in sorted(subscriptions, key=age)
            for named in self._named(one.account_id, one.account_proof)
        ]

    def _named(self, id: str | None, proof: str | None) -> list[NamedAccount]:
        if not id or not well_formed(id):
            return []
        return [NamedAccount(id, proves(proof, id, self._services.proof_of))]


def age(one: SubscriptionAnswer) -> tuple[datetime, str]:
    """The order in which subscriptions are asked for the account that they name: the oldest
    first.
    """
    return one.created or LONG_AGO, one.id
