"""A customer's time with Billhook, played without any service: the same account, the same agenda,
the same messages. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce

from chalicelib.domain.account import Account, ErrandKnown, MailDone, Mailed, apply
from chalicelib.domain.agenda import next_version
from chalicelib.domain.dispatch import dispatch
from chalicelib.domain.errands import waiting
from chalicelib.domain.facts import Answered
from chalicelib.domain.happenings import Happening
from chalicelib.domain.mailing import Mail
from chalicelib.domain.owed import owed
from chalicelib.domain.policy import Policy
from chalicelib.domain.standing import standing
from ops.rehearsal.script import Heard

AT_MOST = 20_000
"""Steps of one life; more of them would be a defect of the agenda."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that went out at `at`, and the account for which it was written."""

    at: datetime
    mail: Mail
    account: Account


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a life: the messages and the happenings, each in their order, the deeds with
    their moments, and the account in the end.
    """

    sent: tuple[Sent, ...]
    happened: tuple[Happening, ...]
    deeds: tuple[tuple[datetime, str], ...]
    account: Account


def play(account: Account, script: Sequence[Heard], policy: Policy, until: datetime) -> Played:
    """The life of an account that hears what the script says, and acts whenever it is due. Every
    message is taken and delivered at once.
    """
    sent: list[Sent] = []
    happened: list[Happening] = []
    ahead = list(script)
    for _ in range(AT_MOST):
        due_at = account.due_at
        if ahead and (due_at is None or ahead[0].at <= due_at):
            heard, ahead = ahead[0], ahead[1:]
            new = _written(account, reduce(apply, heard.facts, account), policy, heard.at)
        elif due_at is None or due_at > until:
            break
        else:
            new, ready = _acted(account, policy, due_at)
            sent += [Sent(due_at, mail, account) for mail in ready]
            if new.due_at == due_at:
                new = replace(
                    new, due_at=due_at + timedelta(minutes=1)
                )  # as the next sweep would find it
        happened += new.outbox
        account = replace(new, outbox=())  # carried out
    else:
        raise AssertionError("an account is due for ever")
    return Played(
        tuple(sent),
        tuple(happened),
        tuple((heard.at, deed) for heard in script for deed in heard.deeds),
        account,
    )


def _written(account: Account, learnt: Account, policy: Policy, now: datetime) -> Account:
    return account if learnt == account else next_version(account, learnt, policy, now)


def _acted(account: Account, policy: Policy, now: datetime) -> tuple[Account, list[Mail]]:
    """As usecases/act.py does, where Stripe has told everything already: what it is asked it
    answers with nothing, errands are done.
    """
    learnt = reduce(lambda known, ask: apply(known, Answered(ask)), account.asks, account)
    if any(news.ask_at <= now for news in owed(learnt)):
        learnt = replace(learnt, owed_asked_at=now)
    for name, errand in waiting(learnt.errands).items():
        learnt = apply(learnt, ErrandKnown(name, replace(errand, done_at=now)))
    learnt = replace(learnt, standing=standing(learnt, policy, now))
    passed, ready = dispatch(learnt, policy, now)
    for outcome, some in (("passed", passed), ("sent", ready)):
        for mail in some:
            learnt = apply(learnt, MailDone(mail.key, Mailed(outcome, now, mail.step.stream)))
    return next_version(account, learnt, policy, now), ready
