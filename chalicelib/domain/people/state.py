"""What is known of the people system: as a whole, and of one person in it."""

from datetime import datetime, timedelta

from chalicelib.domain.outgoing.answers import CallAnswer, wait_until
from chalicelib.values import frozen, replace

DROPPED_AFTER = timedelta(days=3)
"""For how long something is tried while the system does not answer."""

ERASED_WITHIN = timedelta(days=25)
"""The same for an erasure, which the customer has a right to: within the 30 days in which a
delivery is kept.
"""

NOT_YET = timedelta(minutes=5)
"""When a contact is tried again that could not be written for the moment."""

RETRY_DELAYS = tuple(map(timedelta, (0,) * 5, (5, 30, 120, 300, 900)))
"""How long nothing is called after each failure in a row; the last one goes on."""

LIMITED = timedelta(seconds=10)
"""The same after a 429 that does not say how long: a window of Intercom's limit."""

UNAUTHORIZED_REST = timedelta(hours=1)

SHORT = 0.05
"""The part of the limit of calls that is left for others: below it we wait for the reset."""


@frozen
class Person:
    """One account in the people system: `id` is that system's own id, without which an archived
    contact cannot be found; `digest` of the contact that was written last, `refused` of the one
    that was refused last, `reason` why. `archived` says that we archived it, `named` that we gave
    it a name, and `leads` stands for the address whose leads were joined with it. `waits_for_proof`
    says that it is there without its address, which another contact has, since nobody has proved
    that it is the customer's.

    `told` is whether it was written last that the person is unsubscribed from mail, since
    `told_at`; `heard` what that system said of it last, at its second `heard_at`. `left_there_at`
    is the second at which the person unsubscribed there, if the account did so for it.
    `contact_heard_at` is the second at which the contact was last deleted, archived or merged
    there, as that system said.
    """

    id: str = ""
    digest: str = ""
    refused: str = ""
    reason: str = ""
    archived: bool = False
    without_email: bool = False
    named: bool = False
    leads: str = ""
    version: int = 0
    told: bool | None = None
    told_at: datetime | None = None
    heard: bool | None = None
    heard_at: datetime | None = None
    left_there_at: datetime | None = None
    waits_for_proof: bool = False
    contact_heard_at: datetime | None = None

    @property
    def is_ours_to_subscribe(self) -> bool:
        """Whether it was us who unsubscribed the person there, or they came back with us."""
        return self.told is True or self.left_there_at is not None


def having_heard(before: Person, after: Person, found: Person) -> Person:
    """The person `after` a write that began with `before`, while what was `found` was heard of it.
    If the contact that was written is deleted, archived or merged since, it is written anew with
    the next change. What we archived ourselves is no news.
    """
    after = replace(
        after,
        heard=found.heard,
        heard_at=found.heard_at,
        left_there_at=found.left_there_at,
        contact_heard_at=found.contact_heard_at,
        version=found.version + 1,
    )
    if found.contact_heard_at == before.contact_heard_at or after.archived:
        return after
    id = found.id if after.id == before.id else after.id
    return replace(after, id=id, digest="", reason=found.reason)


@frozen
class PeopleState:
    """The system as a whole: nothing is called before `free_at`. `failures` counts those in a row,
    `told` says that the operators know that the token or the workspace is refused, `why` says why
    it is the workspace. `told_of_mode` says that they know of contacts of the other mode.
    """

    free_at: datetime | None = None
    failures: int = 0
    told: bool = False
    why: str = ""
    version: int = 0
    told_of_mode: bool = False


def is_down(answer: CallAnswer) -> bool:
    """Whether the whole system is to be left alone: it is limited, down or refuses the token."""
    return answer.code is None or answer.code in (401, 403, 408, 429) or answer.code >= 500


def after_refusal(state: PeopleState, now: datetime, why: str = "") -> PeopleState:
    """After the token was refused; or the workspace, because of `why`. Calls rest for an hour."""
    return replace(state, free_at=now + UNAUTHORIZED_REST, told=True, why=why)


def after_answer(state: PeopleState, answer: CallAnswer, now: datetime) -> PeopleState:
    """After a call that was answered at `now`."""
    if answer.code in (401, 403):
        return after_refusal(state, now)
    if answer.code == 429:
        return replace(state, free_at=reset_at(answer, now) or now + LIMITED)
    if is_down(answer):
        delay = RETRY_DELAYS[min(state.failures, len(RETRY_DELAYS) - 1)]
        free_at = max(now + delay, wait_until(answer, now) or now)
        return replace(state, free_at=free_at, failures=state.failures + 1)
    return replace(state, free_at=reset_at(answer, now), failures=0, told=False, why="")


def reset_at(answer: CallAnswer, now: datetime) -> datetime | None:
    """Until when the answer's headers ask to wait; None if they do not. X-RateLimit-Reset is in
    Intercom's own clock, so it is compared with the Date of the same answer.
    """
    limit, left = _number(answer, "x-ratelimit-limit"), _number(answer, "x-ratelimit-remaining")
    reset, date = _number(answer, "x-ratelimit-reset"), answer.sent_at
    is_short = answer.code == 429 or (limit and left is not None and left <= limit * SHORT)
    if not is_short:
        return None
    if reset is not None:
        theirs = date.timestamp() if date else now.timestamp()
        return now + timedelta(seconds=min(max(reset - theirs, 1), 60))
    return wait_until(answer, now)


def _number(answer: CallAnswer, name: str) -> float | None:
    text = answer.headers.get(name, "")
    return float(text) if text.isascii() and text.isdigit() else None
