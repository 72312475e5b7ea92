"""The customer's instance of the product: what it is, what is asked of the provisioner, and the
facts about it.
"""

from datetime import datetime, timedelta

from chalicelib.values import frozen

TARGETS = {"create": "ready", "suspend": "suspended", "resume": "ready", "delete": "deleted"}
"""What can be asked of the provisioner, and what the instance is once that is done."""

UNDER_WAY = {
    "create": "creating",
    "suspend": "suspending",
    "resume": "resuming",
    "delete": "deleting",
}
"""The status of an instance while something is asked."""

STATUSES = {
    "creating": "It is being made.",
    "ready": "It can be used.",
    "suspending": "It is being suspended.",
    "suspended": "It cannot be used, and its data is kept.",
    "resuming": "A suspended one is being made ready again.",
    "deleting": "It is being deleted.",
    "deleted": "It is gone, with its data.",
    "stalled": "The provisioner did not do in time what was asked. Operators were told.",
    "failed": "The provisioner reported a failure. It is asked again until the deadline.",
}
"""Every status of an instance."""

REPORTED = ("creating", "ready", "suspended", "deleted", "failed")
"""What a provisioner can report."""

ORDERS = {
    "retry": "Ask once more for what stalled or failed, or now for what waits its turn.",
    "suspend": "Suspend it, whatever the access, until the next order.",
    "resume": "Leave it to the access again, and ask once more for what has stalled.",
    "delete": "Delete it now. Only without access.",
}
"""What an operator can order."""

CALL_TAKES = timedelta(seconds=40)
"""After this time a call whose answer is not written down will never be: it takes 20 seconds at
most, and writing its answer a few.
"""


@frozen
class InstanceRequest:
    """One thing that is asked of the provisioner, from the first call until it is done.

    `id` is the same in every call. `calls` counts the calls that began, the last one at
    `called_at`, `answered` is the number of the last whose outcome is known, and `calls_before` how
    many there were before an operator had it tried once more. The next one is at `call_at`; None
    while the provisioner's own report is waited for. `accepted_at` is when it answered that the
    thing is under way; `trouble` is `failed` once it reported a failure, `stalled` once the
    `deadline` is over; `error` is the last failure, for operators.

    `turn` is `waits` for one of many that came at once, before it has a time of its own, and `has`
    once that is `begun_at`; empty for one that is asked for at once. `unattended` says that
    `[instance]` was taken out of billing.toml while it was open.
    """

    id: str
    action: str
    begun_at: datetime
    deadline: datetime
    call_at: datetime | None = None
    calls: int = 0
    answered: int = 0
    calls_before: int = 0
    called_at: datetime | None = None
    accepted_at: datetime | None = None
    done_at: datetime | None = None
    trouble: str | None = None
    error: str | None = None
    turn: str = ""
    unattended: bool = False

    @property
    def target(self) -> str:
        """What the instance is to be by it."""
        return TARGETS[self.action]

    @property
    def is_open(self) -> bool:
        """Whether it is not done: under way, or stalled."""
        return self.done_at is None

    def in_flight(self, now: datetime) -> bool:
        """Whether a call may be under way whose outcome is not known yet."""
        return (
            self.called_at is not None
            and self.answered < self.calls
            and now < self.called_at + CALL_TAKES
        )


@frozen
class Instance:
    """The instance of one account. `state` is the last that is known for certain: `none`, `ready`,
    `suspended` or `deleted`. `doubt` is the action of a call whose outcome is not known: it may
    have been carried out, whatever `state` says. A deletion in doubt stays so until it is certain
    what there is.

    `since` is when its status became what it is. `request` is the last one. `order` is what an
    operator ordered it to be, `suspended` or `deleted`, whatever the access; None for none.
    `deletes_at` is when it is to be deleted, announced to the customer before. `late_at` is when it
    became ready after its request had stalled. `erase_by` is set once the account is to be erased:
    that waits until the instance is deleted, and no longer than this.
    """

    since: datetime
    state: str = "none"
    url: str | None = None
    request: InstanceRequest | None = None
    doubt: str | None = None
    order: str | None = None
    deletes_at: datetime | None = None
    late_at: datetime | None = None
    erase_by: datetime | None = None

    @property
    def open_request(self) -> InstanceRequest | None:
        """The request that is not done."""
        return self.request if self.request and self.request.is_open else None

    @property
    def status(self) -> str:
        """One of STATUSES."""
        request = self.open_request
        if request is None:
            return "deleted" if self.state == "none" else self.state
        return request.trouble or UNDER_WAY[request.action]

    @property
    def is_awaited(self) -> bool:
        """Whether it is being made for a customer who has just come, and is still expected in
        time.
        """
        request = self.open_request
        return (
            request is not None
            and request.action == "create"
            and request.trouble != "stalled"
            and not request.turn
        )

    @property
    def exists(self) -> bool:
        """Whether the provisioner has one, as far as is known."""
        return self.state in {"ready", "suspended"} or self.doubt is not None


@frozen
class InstanceCalled:
    """A call for a request begins: its number, and when to call again if its answer is lost."""

    request_id: str
    number: int
    at: datetime
    call_at: datetime


@frozen
class InstanceAnswered:
    """What came of a call: `outcome` is `done`, `accepted` (the provisioner will report), `failed`,
    or `gone` (there is no instance, by a deletion that was in doubt). `call_at` is when it is
    called again; None if it is not.
    """

    request_id: str
    number: int
    outcome: str
    at: datetime
    call_at: datetime | None = None
    url: str | None = None
    error: str | None = None


@frozen
class InstanceReported:
    """The provisioner's own report, one of REPORTED, or an operator's. Without `request_id` it is
    about whatever is under way. `call_at` is when it is asked again after a failure.
    """

    status: str
    at: datetime
    url: str | None = None
    request_id: str | None = None
    call_at: datetime | None = None


@frozen
class InstanceOrdered:
    """An operator's order, one of ORDERS. A retry has a new `deadline`."""

    order: str
    at: datetime
    deadline: datetime


@frozen
class InstanceHeld:
    """A request is not begun before `until`, and its deadline is put off: of deletions there were
    enough today, and of many creations each has its turn.
    """

    request_id: str
    until: datetime
    deadline: datetime


@frozen
class InstanceLeaves:
    """The account is to be erased: its instance is deleted first, whatever the access."""

    at: datetime
    erase_by: datetime


InstanceFact = (
    InstanceCalled
    | InstanceAnswered
    | InstanceReported
    | InstanceOrdered
    | InstanceHeld
    | InstanceLeaves
)
