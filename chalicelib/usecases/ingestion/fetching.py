"""Fetching from Stripe what an account still needs to know."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from chalicelib.domain.account.facts import FetchResult, InvoiceSnapshot, SubscriptionSnapshot
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import Refused, StripeRefused, Unavailable
from chalicelib.domain.stripe_objects.answers import CustomerAnswer, SubscriptionAnswer
from chalicelib.domain.stripe_objects.pagination import MOST_INVOICES
from chalicelib.usecases.ingestion.answers import Found, as_facts, fetch
from chalicelib.usecases.services import Services
from chalicelib.values import frozen

ASKING_ROUNDS = 3

T = TypeVar("T")


@frozen
class _Kept:
    """An answer that came with another one. It counts while Stripe answers: of one customer all is
    learned at once, or as little as without it. `is_whole` says that it answers the request in any
    case; otherwise it does if what the account knows does not name more.
    """

    answer: tuple[FetchResult, int]
    is_whole: bool = True


@dataclass(slots=True)
class StripeFetcher:
    """Fetches from Stripe for one batch of work. After the first call that Stripe does not answer,
    all others of the batch fail at once, so that the batch does not wait again and again.

    Where everything of a customer has to be fetched, one call answers two requests.
    """

    services: Services
    down: Unavailable | None = field(default=None, init=False)
    _kept: dict[FetchRequest, _Kept] = field(default_factory=dict, init=False)
    _billed: dict[str, frozenset[str]] = field(default_factory=dict, init=False)
    """Customer → the subscriptions of all of its invoices."""
    _new: set[str] = field(default_factory=set, init=False)

    def ask(self, ask: FetchRequest, account: Account) -> FetchResult | None:
        """Stripe's answer; None if Stripe gives none now or refuses to. Both are counted, and the
        request stays pending.
        """
        try:
            answered, unreadable = (
                self._answer_kept(ask, account)
                or self._answer_for_two(ask, account)
                or self.put(lambda: self._fetched(ask, account))
            )
        except (Unavailable, Refused) as failure:
            self.services.metrics.count(
                "AsksRefused" if isinstance(failure, Refused) else "AsksUnanswered", 1
            )
            return None
        self.services.metrics.count("AnswersUnreadable", unreadable)
        if ask.what == "invoices" and not unreadable and len(answered.facts) < MOST_INVOICES:
            self._billed[ask.id] = frozenset(
                fact.invoice.subscription
                for fact in answered.facts
                if isinstance(fact, InvoiceSnapshot) and fact.invoice.subscription
            )
        return answered

    def is_new(self, customer: str) -> None:
        """Say that a customer is adopted by an event of its own, so that it is fetched with the
        subscriptions that have not ended. One that has ended is listed only if an invoice names it:
        before the adoption nobody had access by it.
        """
        self._new.add(customer)

    def whose(self, customer: str) -> tuple[CustomerAnswer | None, list[SubscriptionAnswer] | None]:
        """A customer that has subscriptions, and all of them, by one call; (None, None) if that
        call does not tell. They are kept as the answer to the request that follows the adoption: an
        event of a subscription that comes before the pointer is written adopts the customer too, if
        the subscription is ours. Raises Unavailable, Refused.
        """
        began = self._now()
        try:
            reader = self.services.stripe.reader
            subscriptions, found = self.put(lambda: reader.subscriptions_with_customer(customer))
        except StripeRefused:
            return None, None  # Stripe lists nothing of a customer that it does not know
        if found is None:
            return None, None
        ask = FetchRequest("subscriptions", customer)
        self._keep(ask, subscriptions, Account(""), began)
        return found, subscriptions

    def forget(self) -> None:
        """Forget what came with other answers and was not needed: later requests are about what is
        at Stripe then.
        """
        self._kept.clear()
        self._billed.clear()
        self._new.clear()

    def _answer_kept(self, ask: FetchRequest, account: Account) -> tuple[FetchResult, int] | None:
        kept = self._kept.pop(ask, None)
        if (
            kept
            and not self.down
            and (kept.is_whole or self._has_all(kept.answer[0], ask.id, account))
        ):
            return kept.answer
        return None

    def _answer_for_two(
        self, ask: FetchRequest, account: Account
    ) -> tuple[FetchResult, int] | None:
        """The answer for a customer, by a call that also answers for its invoices or its
        subscriptions, if they have to be fetched too. None if there is no such call, or it does not
        tell, as where the key may read only one of the two. Raises Unavailable.
        """
        if ask.what != "customer":
            return None
        invoices, subscriptions = (
            FetchRequest(what, ask.id) for what in ("invoices", "subscriptions")
        )
        began, reader = self._now(), self.services.stripe.reader
        try:
            if subscriptions in self._kept and invoices in account.asks:
                billed, customer = self.put(lambda: reader.invoices_with_customer(ask.id))
                if customer is None:
                    return None
                self._keep(invoices, billed, account, began)
                return self._result(ask, [customer], account, began)
            if subscriptions not in account.asks:
                return None
            if ask.id not in self._new:
                listed, customer = self.put(lambda: reader.subscriptions_with_customer(ask.id))
                self._keep(subscriptions, listed, account, began)
                return self._result(ask, [customer], account, began) if customer else None
            found = self.put(lambda: reader.customer_with_subscriptions(ask.id))
        except Refused:
            return None
        if found is None:
            self._keep(invoices, [], account, began)
            self._keep(subscriptions, [], account, began)
            return FetchResult(ask, ()), 0
        customer, living = found
        if living is not None:
            self._keep(subscriptions, living, account, began, is_whole=False)
        return self._result(ask, [customer], account, began)

    def _has_all(self, result: FetchResult, customer: str, account: Account) -> bool:
        """Whether the subscriptions of a customer that have not ended are all that there is to
        learn: neither its invoices nor the account name another one that may have ended since.
        """
        if customer not in self._billed:
            return False
        told = {
            one.subscription.id for one in result.facts if isinstance(one, SubscriptionSnapshot)
        }
        known = {
            id: tracked.value
            for id, tracked in {**account.subscriptions, **account.others}.items()
            if tracked.value.customer == customer
        }
        ended = {*account.ended, *(id for id, one in known.items() if one.final)}
        return self._billed[customer] | known.keys() <= told | ended

    def _keep(
        self,
        ask: FetchRequest,
        found: Sequence[Found],
        account: Account,
        began: datetime,
        is_whole: bool = True,
    ) -> None:
        self._kept[ask] = _Kept(self._result(ask, found, account, began), is_whole)

    def _fetched(self, ask: FetchRequest, account: Account) -> tuple[FetchResult, int]:
        services = self.services
        return fetch(services.stripe.reader, ask, account, self._now(), services.proof_of)

    def _result(
        self, ask: FetchRequest, found: Sequence[Found], account: Account, began: datetime
    ) -> tuple[FetchResult, int]:
        return as_facts(ask, found, account, began, self.services.proof_of)

    def _now(self) -> datetime:
        return self.services.clock.now().replace(microsecond=0)

    def put(self, question: Callable[[], T]) -> T:
        """What the call `question` returns. Raises Refused, and Unavailable: without a call if
        Stripe did not answer an earlier one.
        """
        if self.down:
            raise self.down
        try:
            return question()
        except Unavailable as failure:
            self.down = failure
            raise


def fetch_pending(updated: Account, answers: list[FetchResult], fetcher: StripeFetcher) -> Account:
    """The account after its pending requests were fetched. Results are added to `answers`; what
    Stripe did not answer stays pending.
    """
    unanswered: set[FetchRequest] = set()
    for _ in range(ASKING_ROUNDS):
        for ask in [ask for ask in updated.asks if ask not in unanswered]:
            answered = fetcher.ask(ask, updated)
            if answered is None:
                unanswered.add(ask)
            else:
                answers.append(answered)
                updated = apply(updated, answered)
    fetcher.forget()
    return updated
