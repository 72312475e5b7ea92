"""What an account records of its messages and broadcasts."""

from datetime import datetime

from chalicelib.values import frozen


@frozen
class MessageRecord:
    """The state of a message. `outcome` is one of:

    - `queued`: it waits in the mail queue,
    - `sent`: SES accepted it,
    - `passed`: it was not sent in time,
    - `refused`: the address is suppressed, or SES rejected the message,
    - `held_out`: the account is in the holdout of its step (domain/policy/holdout.py),
    - `over_limit`: visitors have caused enough mail to the mailbox
      (domain/messaging/mailbox_limits.py),
    - `unclear`: SES may have accepted it; it is not sent again.
    """

    outcome: str
    at: datetime
    stream: str


@frozen
class NoticeComplaint:
    """The reader of a billing notice, the message of `step`, reported it as spam at `at`. `reader`
    is the mark of the address that it went to (domain/security/links.py).
    """

    step: str
    at: datetime
    reader: str


@frozen
class Broadcast:
    """A broadcast of `message`, requested at `at`. It goes to this account if the account still is
    in the audience `to` when it is sent.
    """

    message: str
    to: str
    at: datetime
