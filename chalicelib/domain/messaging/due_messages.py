"""The due messages of an account: which are sent when, and which were missed. The schedule and the
rehearsal use the same rules.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from chalicelib.domain.account.queries import zone_of
from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.broadcasts import steps_of
from chalicelib.domain.messaging.conditions import holds
from chalicelib.domain.messaging.occasions import Occasion, occasions
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.policy.sequences import (
    EVERY_DAY,
    TRANSACTIONAL_STEPS,
    Hours,
    MailPolicy,
    Step,
)
from chalicelib.values import frozen, replace


@frozen
class DueMessage:
    """The message of a step for an occasion: due at `at`, and not sent after `until`."""

    step: Step
    occasion: Occasion
    at: datetime
    until: datetime

    @property
    def key(self) -> str:
        """The key of its claim and its record."""
        return f"{self.step.id}@{self.occasion.id}"

    @property
    def missed(self) -> bool:
        """Whether it can no longer be sent in time."""
        return self.at > self.until


def dispatch(
    account: Account, policy: Policy, now: datetime
) -> tuple[list[DueMessage], list[DueMessage]]:
    """(missed, ready): the messages that were not sent in time by `now`, and those to send. The
    account's standing must be that of `now`.
    """
    passed = [
        mail for mail in due_messages(account, policy, now) if mail.missed and mail.until <= now
    ]
    return passed, due_now(account, policy, now)


QUEUED_PATIENCE = timedelta(minutes=30)
"""How long a message may be queued, or unclear, before it is checked again."""


WEEK = timedelta(days=7)


def due_messages(account: Account, policy: Policy, now: datetime) -> list[DueMessage]:
    """The messages to send by the account's state at `now`, and the missed ones, the earliest
    first. Their conditions hold, and they have no record yet.

    A missed message has an `at` after its `until`. Each lifecycle message is scheduled as if it
    were the next one: sending one moves the others. An account whose address was proved for another
    one sends none.
    """
    if policy.mail is None or not account.email or account.superseded_at:
        return []
    found = [
        _placed(account, step, occasion, policy.mail, now, _waits(account, policy))
        for occasion in occasions(account, policy)
        for step in (*policy.steps, *TRANSACTIONAL_STEPS, *steps_of(account))
        if step.anchor == occasion.anchor
        and f"{step.id}@{occasion.id}" not in account.mails
        and not _is_history(account, step, occasion)
        and _wanted(account, step, occasion, policy)
        and not _left_before_the_restoration(account, step, occasion, policy.mail)
    ]
    return sorted(found, key=lambda mail: (mail.at, mail.until, mail.key))


def due_now(account: Account, policy: Policy, now: datetime) -> list[DueMessage]:
    """The messages to send at `now`, within the limits. Of several lifecycle messages the one with
    the earliest `until` is sent, and the others wait.
    """
    ready = [
        mail for mail in due_messages(account, policy, now) if mail.at <= now and not mail.missed
    ]
    lifecycle = sorted(
        (mail for mail in ready if mail.step.stream == "lifecycle"),
        key=lambda mail: (mail.until, mail.key),
    )
    return [mail for mail in ready if mail.step.stream != "lifecycle"] + lifecycle[:1]


def without_its_record(
    account: Account, key: str, policy: Policy, now: datetime
) -> DueMessage | None:
    """The message of a key, read as though it had not been queued; None if it does not apply any
    more. The account's standing must be that of `now`.
    """
    others = {other: mailed for other, mailed in account.mails.items() if other != key}
    unqueued = replace(account, mails=others)
    return next((one for one in due_messages(unqueued, policy, now) if one.key == key), None)


def _waits(account: Account, policy: Policy) -> timedelta:
    """How long after the beginning of a trial its messages wait for the instance that is being
    made, so that they lead there.
    """
    if policy.instance is None or account.instance is None or not account.instance.is_awaited:
        return timedelta(0)
    return policy.instance.mail_waits


def abandoned(account: Account, now: datetime) -> list[str]:
    """The keys of messages that were queued so long ago that they have to be queued again."""
    return [
        key
        for key, mailed in account.mails.items()
        if mailed.outcome == "queued" and mailed.at + QUEUED_PATIENCE <= now
    ]


def _is_history(account: Account, step: Step, occasion: Occasion) -> bool:
    """Whether the time of the occasion, or of the step, was before Billhook knew the customer:
    nobody gets a message about that.
    """
    return (
        account.history_until is not None
        and min(occasion.moment, occasion.moment + step.offset) < account.history_until
    )


def _wanted(account: Account, step: Step, occasion: Occasion, policy: Policy) -> bool:
    if step in TRANSACTIONAL_STEPS:
        return True
    if step.stream in account.unsubscribed or (step.stream == "lifecycle" and account.disputed):
        return False
    goes_on = account.moved_at_stripe and step.stream == "billing"  # the customer's bills
    unproved = policy.mail.unproved if policy.mail else (step.id,)
    if not account.proved and not goes_on and step.id not in unproved:
        return False
    wanted = all(holds(one, account, occasion, policy) for one in step.only_if)
    return wanted and not any(holds(one, account, occasion, policy) for one in step.unless)


def _left_before_the_restoration(
    account: Account, step: Step, occasion: Occasion, policy: MailPolicy
) -> bool:
    """Whether it may have been sent between the backup and the restore."""
    return (
        account.restored_at is not None
        and step.stream == "lifecycle"
        and _planned(account, step, occasion, policy) <= account.restored_at
    )


def _planned(account: Account, step: Step, occasion: Occasion, policy: MailPolicy) -> datetime:
    """When it is sent if no limit delays it: the time of its step, or the nearest time within the
    hours.
    """
    base = occasion.moment + step.offset
    if step.at_any_hour:
        return base
    hours, zone = _hours(step, policy), zone_of(account, policy)
    at = hours.next(base, zone)
    return (
        hours.before(base, zone)
        if at > _until(step, occasion) and step.offset < timedelta(0)
        else at
    )


def _until(step: Step, occasion: Occasion) -> datetime:
    until = occasion.moment + step.offset + step.tolerance
    # A message such as "three days left" is of no use in the last hours.
    return min(until, occasion.moment + step.offset / 2) if step.offset < timedelta(0) else until


def _hours(step: Step, policy: MailPolicy) -> Hours:
    return replace(policy.hours, days=EVERY_DAY) if step.on_any_day else policy.hours


def _placed(
    account: Account,
    step: Step,
    occasion: Occasion,
    policy: MailPolicy,
    now: datetime,
    waits: timedelta,
) -> DueMessage:
    hours, zone = _hours(step, policy), zone_of(account, policy)
    at = _planned(account, step, occasion, policy)
    if at < now:
        at = now if step.at_any_hour else hours.next(now, zone)
    if waits and step.anchor == "trial_started":
        at = max(at, min(occasion.moment + waits, _until(step, occasion)))
    if step.stream == "lifecycle":
        at = _within_caps(
            sorted(_lifecycle_times(account, f"{step.id}@{occasion.id}")), at, policy, hours, zone
        )
    return DueMessage(step, occasion, at, _until(step, occasion))


def _within_caps(
    times: list[datetime], at: datetime, policy: MailPolicy, hours: Hours, zone: ZoneInfo
) -> datetime:
    """The first time from `at` on at which one more lifecycle message is within the limits of a day
    and of a week.
    """
    while True:
        today = [
            time for time in times if time.astimezone(zone).date() == at.astimezone(zone).date()
        ]
        week = [time for time in times if at - WEEK < time <= at]
        if len(week) >= policy.a_week:
            at = hours.next(week[-policy.a_week] + WEEK, zone)
        elif len(today) >= policy.a_day:
            tomorrow = at.astimezone(zone).date() + timedelta(days=1)
            at = hours.next(
                datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone).astimezone(
                    at.tzinfo
                ),
                zone,
            )
        else:
            return at


def _lifecycle_times(account: Account, but: str) -> Iterator[datetime]:
    for key, mailed in account.mails.items():
        if (
            key != but
            and mailed.stream == "lifecycle"
            and mailed.outcome in {"queued", "sent", "unclear"}
        ):
            yield mailed.at
