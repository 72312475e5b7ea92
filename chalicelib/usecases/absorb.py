"""Apply facts to an account and save it. Fetches from Stripe what the facts leave undecided."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from chalicelib.domain.account import Account, Fact, apply
from chalicelib.domain.agenda import next_version
from chalicelib.domain.errors import Refused, Unavailable
from chalicelib.domain.facts import Answered, Ask
from chalicelib.usecases.fetching import fetch
from chalicelib.usecases.world import World
from chalicelib.usecases.writing import update

ASKING_ROUNDS = 3

T = TypeVar("T")


@dataclass(slots=True)
class Asker:
    """Asks Stripe for one batch of work. Once Stripe is down it is down for the whole batch, which
    then does not wait again and again.
    """

    world: World
    down: Unavailable | None = field(default=None, init=False)

    def ask(self, ask: Ask, account: Account) -> Answered | None:
        """Stripe's answer; None if it gives none now, or refuses to. Either is counted: the
        question stays open.
        """
        try:
            answered, unreadable = self.put(
                lambda: fetch(self.world.stripe.reader, ask, account, self.world.now())
            )
        except (Unavailable, Refused) as failure:
            self.world.count("AsksRefused" if isinstance(failure, Refused) else "AsksUnanswered", 1)
            return None
        self.world.count("AnswersUnreadable", unreadable)
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


def absorb(account: Account, facts: Sequence[Fact], world: World, asker: Asker | None) -> Account:
    """The account with `facts` applied, as saved; unchanged and not saved if they are not new.

    Asks Stripe at once what only Stripe can settle, and what was left open before; what Stripe does
    not answer now stays on the agenda. Without an asker nothing is asked. Raises Unavailable if the
    table cannot be reached, if other writers are always faster, or if the account was erased
    meanwhile.
    """
    answers: list[Answered] = []  # kept between tries: nothing is asked twice

    def learn(found: Account) -> Account | None:
        learnt = found
        for fact in (*facts, *answers):
            learnt = apply(learnt, fact)
        learnt = settled(learnt, answers, asker) if asker else learnt
        if learnt == found:
            return None
        return next_version(found, learnt, world.policy, world.now())

    after = update(account.id, learn, world, known=account)
    if after is None:
        raise Unavailable(f"Account {account.id} was erased meanwhile.")
    return after


def settled(learnt: Account, answers: list[Answered], asker: Asker) -> Account:
    """The account after Stripe was asked all that it waits for; what it answered is added to
    `answers`, what it did not stays open.
    """
    unanswered: set[Ask] = set()
    for _ in range(ASKING_ROUNDS):
        for ask in [ask for ask in learnt.asks if ask not in unanswered]:
            answered = asker.ask(ask, learnt)
            if answered is None:
                unanswered.add(ask)
            else:
                answers.append(answered)
                learnt = apply(learnt, answered)
    return learnt
