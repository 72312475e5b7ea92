"""Act on an account that is due: do what it waits for now, then say when it is due next."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce

from chalicelib.domain.account import Account, MailDone, Mailed, apply
from chalicelib.domain.agenda import failed, next_version
from chalicelib.domain.dispatch import dispatch
from chalicelib.domain.errors import LostRace, Unavailable
from chalicelib.domain.mailing import Mail, abandoned
from chalicelib.domain.owed import asking_all_of, owed
from chalicelib.domain.standing import standing
from chalicelib.domain.timeline import Entry
from chalicelib.usecases.absorb import Asker, settled
from chalicelib.usecases.carry_out import carry_out
from chalicelib.usecases.errands import run_errands
from chalicelib.usecases.world import World


@dataclass(frozen=True, slots=True)
class DueOutcome:
    """What became of a due account: `acted`, `nothing` (not due, or another writer was faster),
    `failed` (it rests) or `dead` (it is not tried again). `failure` is what went wrong, if anything
    did.
    """

    effect: str
    failure: Exception | None = None


def act_on_due(account_id: str, world: World) -> DueOutcome:
    """Do what is due for an account, save it, and hand out its mail.

    The save is the claim: of several who try, one saves, and only that one hands out mail. If it
    ends between the two, the agenda looks after what is marked as queued. Raises Unavailable if the
    table or a queue cannot be reached.
    """
    account = world.accounts.load(account_id)
    if account is None or account.due_at is None or account.due_at > world.now():
        return DueOutcome("nothing")
    try:
        _act(account, world)
    except LostRace:
        # Facts came meanwhile: whoever applied them has set when the account is due.
        return DueOutcome("nothing")
    except Unavailable:
        raise  # not the account's fault: it stays due
    except Exception as failure:
        return DueOutcome(_rest(account_id, failure, world), failure)
    return DueOutcome("acted")


def _act(account: Account, world: World) -> None:
    if account.outbox:
        carry_out(account.id, world)
        account = world.accounts.load(account.id) or account
    account = run_errands(account, world)
    now = world.now()
    learnt = settled(_asking_for_what_is_owed(account, world, now), [], Asker(world))
    handed = abandoned(
        learnt, now
    )  # whoever sends it will judge it: SES may have it, or it may apply no more
    for key in handed:
        learnt = apply(learnt, MailDone(key, Mailed("queued", now, learnt.mails[key].stream)))
    in_vain = account.asked_in_vain + 1 if set(learnt.asks) & set(account.asks) else 0
    learnt = replace(
        learnt,
        failures=0,
        resting_until=None,
        asked_in_vain=in_vain,
        standing=standing(learnt, world.policy, now),
    )
    passed, ready = dispatch(learnt, world.policy, now)
    for outcome, some in (("passed", passed), ("queued", ready)):
        for mail in some:
            learnt = apply(learnt, MailDone(mail.key, Mailed(outcome, now, mail.step.stream)))
    world.log.put(_entry(account.id, mail) for mail in passed)
    world.accounts.save(account, next_version(account, learnt, world.policy, now))
    for key in (*handed, *(mail.key for mail in ready)):
        world.mail_queue.send({"account_id": account.id, "key": key})


def _asking_for_what_is_owed(account: Account, world: World, now: datetime) -> Account:
    news = owed(account)
    if not news or news[0].ask_at > now:
        return account
    world.count("OwedNewsAsked", 1)
    return reduce(
        asking_all_of, sorted({one.customer for one in news}), replace(account, owed_asked_at=now)
    )


def _rest(account_id: str, failure: Exception, world: World) -> str:
    """Let an account rest after a failure, so that it does not keep the others waiting; says what
    became of it, as DueOutcome does.
    """
    account = world.accounts.load(account_id)
    if account is None:
        return "nothing"
    rested = failed(account, world.now())
    try:
        world.accounts.save(account, rested)
    except LostRace:
        return "nothing"
    if rested.due_at:
        world.count("ActsFailed", 1)
        return "failed"
    world.count("AccountsDead", 1)
    world.log.put(
        [
            Entry(
                account_id,
                world.now(),
                "dead",
                f"{rested.version}",
                "account.dead",
                {"failure": type(failure).__name__},
            )
        ]
    )
    return "dead"


def _entry(account_id: str, mail: Mail) -> Entry:
    return Entry(
        account_id,
        mail.until,
        "mail",
        mail.key,
        "mail.passed",
        {"message": mail.step.message, "until": mail.until},
    )
