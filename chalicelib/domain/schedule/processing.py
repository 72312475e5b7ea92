"""What a due account becomes once its due work is done."""

from datetime import datetime

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.facts import MessageRecorded
from chalicelib.domain.account.messages import MessageRecord
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.due_messages import DueMessage, abandoned, dispatch
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.schedule.versions import next_version
from chalicelib.values import frozen, replace


@frozen
class Processed:
    """The account to save; `to_send` are the keys of the messages to put into the mail queue once
    it is saved, `missed` the messages that were not sent in time.
    """

    account: Account
    to_send: tuple[str, ...]
    missed: tuple[DueMessage, ...]


def after_processing(
    account: Account, fetched: Account, policy: Policy, now: datetime, by_worker: bool = False
) -> Processed:
    """What to save and to send for a due account. `account` is as last saved, `fetched` the same
    with what was fetched from Stripe since; `by_worker` as in `next_version`.

    A message that was queued long ago is queued again: the sender checks whether it was sent and
    whether it still applies.
    """
    again = abandoned(fetched, now)
    updated = replace(
        _recorded(fetched, {key: fetched.mails[key].stream for key in again}, "queued", now),
        failures=0,
        resting_until=None,
        asked_in_vain=account.asked_in_vain + 1 if set(fetched.asks) & set(account.asks) else 0,
        standing=standing(fetched, policy, now),
    )
    missed, ready = dispatch(updated, policy, now)
    updated = _recorded(updated, {one.key: one.step.stream for one in missed}, "passed", now)
    updated = _recorded(updated, {one.key: one.step.stream for one in ready}, "queued", now)
    return Processed(
        next_version(account, updated, policy, now, by_worker),
        (*again, *(one.key for one in ready)),
        tuple(missed),
    )


def _recorded(account: Account, streams: dict[str, str], outcome: str, now: datetime) -> Account:
    """The account with the same outcome for some messages; `streams` has the stream of each key."""
    for key, stream in streams.items():
        account = apply(account, MessageRecorded(key, MessageRecord(outcome, now, stream)))
    return account
