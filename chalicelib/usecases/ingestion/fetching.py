"""Fetching from Stripe what an account still needs to know."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from chalicelib.domain.account.apply import apply
from chalicelib.domain.account.facts import FetchResult
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import Refused, Unavailable
from chalicelib.usecases.fetching import fetch
from chalicelib.usecases.services import Services

ASKING_ROUNDS = 3


T = TypeVar("T")


@dataclass(slots=True)
class StripeFetcher:
    """Asks Stripe for one batch of work. Once Stripe is down it is down for the whole batch, which
    then does not wait again and again.
    """

    services: Services
    down: Unavailable | None = field(default=None, init=False)

    def ask(self, ask: FetchRequest, account: Account) -> FetchResult | None:
        """Stripe's answer; None if it gives none now, or refuses to. Either is counted: the
        question stays open.
        """
        try:
            answered, unreadable = self.put(
                lambda: fetch(self.services.stripe.reader, ask, account, self.services.clock.now())
            )
        except (Unavailable, Refused) as failure:
            self.services.metrics.count(
                "AsksRefused" if isinstance(failure, Refused) else "AsksUnanswered", 1
            )
            return None
        self.services.metrics.count("AnswersUnreadable", unreadable)
        return answered

    def put(self, question: Callable[[], T]) -> T:
        """What the question gives. Raises Unavailable, at once if Stripe has been found down
        before, and Refused.
        """
        if self.down:
            raise self.down
        try:
            return question()
        except Unavailable as failure:
            self.down = failure
            raise


def fetch_pending(updated: Account, answers: list[FetchResult], fetcher: StripeFetcher) -> Account:
    """The account after Stripe was asked all that it waits for; what it answered is added to
    `answers`, what it did not stays open.
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
    return updated
