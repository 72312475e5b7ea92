"""The trial that a signup promises, and the signups that wait beside it."""

from datetime import datetime, timedelta

from chalicelib.domain.account.profile import Profile
from chalicelib.values import frozen


@frozen
class Signup:
    """A trial promised at signup, which may not exist at Stripe yet.

    While `confirm` is true it waits for its mailed link to be opened and has not begun; opening the
    link moves its start to that time, and its end by as much. `identities` may each have one trial
    only. `currency` None means the owner's own. `email` and `name` are as they were typed, once the
    profile has others.

    `number` counts the signups of the account; None for the first one whose trial has not been
    begun anew.
    """

    plan: str
    trial_ends_at: datetime
    at: datetime
    source: str | None = None
    interval: str = "month"
    confirm: bool = False
    identities: tuple[str, ...] = ()
    currency: str | None = None
    email: str | None = None
    name: str | None = None
    number: int | None = None

    @property
    def days(self) -> int:
        """How many days its trial lasts, whatever billing.toml has said since."""
        return round((self.trial_ends_at - self.at) / timedelta(days=1))


@frozen
class PendingSignup:
    """A later signup of an address that nobody had proved or used yet. It waits beside the first
    one until somebody presses the button behind a mailed link. `mailed_at` is when a link to it was
    sent last.
    """

    signup: Signup
    profile: Profile
    mailed_at: datetime | None = None
