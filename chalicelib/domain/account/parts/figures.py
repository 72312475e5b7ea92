"""What an account keeps for the figures alone."""

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime

from chalicelib.values import frozen


@frozen
class TrialRecord:
    """The trial of an account: when it started, when it ends or ended, and when an invoice of more
    than 0 was first paid since, None if none was.
    """

    started_at: datetime
    ends_at: datetime
    converted_at: datetime | None = None


@frozen
class Ending:
    """The end of a subscription, after which the account had no other one. `reason` is one of
    reasons.END_REASONS, or empty if Stripe told none.
    """

    at: datetime
    reason: str = ""


@frozen
class HoldoutRecord:
    """The first message of a step with a holdout that was sent to the account, or held out, at
    `at`. `converted` says whether the account began to pay, or paid again, soon after it.
    """

    at: datetime
    held_out: bool = False
    converted: bool = False


@frozen
class FigureRecord:
    """What the figures count of an account and nothing else keeps. An account without it was last
    saved by a release that counted none of this.

    `endings` has those of subscriptions that are kept no more, by id; `messages` the first one of
    each step with a holdout. Once there are changes of what it brings in that are kept no more,
    `since` is the day on which it first brought in anything, and `kept` has a 1 or a 0 for each of
    the figures' MONTHS: whether it brings in anything so many months later, as far as is known.
    """

    since: date | None = None
    kept: str | None = None
    endings: Mapping[str, Ending] = field(default_factory=dict)
    messages: Mapping[str, HoldoutRecord] = field(default_factory=dict)
