"""What is known of the customer as a person: who told it and when, and the changes of the e-mail
address that the customer asks for on the own page.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta

from chalicelib.values import frozen

CONFIRMED_WITHIN = timedelta(hours=24)
"""How long the link works that confirms a new address."""

UNDONE_WITHIN = timedelta(days=7)
"""How long the old address can undo a change."""


def masked(email: str) -> str:
    """An address of which only the first letter and the domain are readable; empty for none."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}…@{domain}" if local else ""


@frozen
class Profile:
    """Who the customer is, as last told by the signup, the product, the customer or Stripe.
    `language` is a language tag such as `de` or `de-AT`.
    """

    email: str | None = None
    name: str | None = None
    external_id: str | None = None
    timezone: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    language: str | None = None


@frozen
class ProfileChange:
    """The last change of one field of the profile: `by` is `stripe`, `api` (the product) or
    `customer` (on the own page), `at` is when it was made there.
    """

    at: datetime
    by: str

    @property
    def is_stripes(self) -> bool:
        """Whether it was made at Stripe."""
        return self.by == "stripe"


@frozen
class AddressChange:
    """A change of the address from `before` to `email` that the customer asked for at `at`, a whole
    second. It holds once it was confirmed by the link that was mailed to the new address. A change
    at Stripe is one that was confirmed at once.
    """

    email: str
    before: str
    at: datetime
    confirmed_at: datetime | None = None

    @property
    def id(self) -> str:
        """Identifies the change in links and messages."""
        return f"{self.at.timestamp():.0f}"

    def lapses_at(self) -> datetime:
        """Until when it can be confirmed, or undone once it was."""
        if self.confirmed_at:
            return self.confirmed_at + UNDONE_WITHIN
        return self.at + CONFIRMED_WITHIN


COPIED_FOR = timedelta(days=30)
"""How long after a change the address of before gets copies of mail about money."""


MOST_COPIED = 3
"""How many addresses of before get copies at most: the first ones, so nobody pushes an owner's out
by changing on.
"""


@frozen
class PreviousEmail:
    """An address that its reader had proved before it was changed, at `changed_at`, by the customer
    or at Stripe. Whoever reads it may not know of the change.
    """

    address: str
    changed_at: datetime

    def until(self) -> datetime:
        """Until when it gets copies of mail about money."""
        return self.changed_at + COPIED_FOR


@frozen
class ProfileChanged:
    """Fields of the profile got these values, at `at`; `by` as in ProfileChange."""

    values: Mapping[str, str]
    at: datetime
    by: str


@frozen
class AddressChangeRequested:
    """The customer asked on the own page for another address."""

    change: AddressChange


@frozen
class AddressChangeConfirmed:
    """The reader of the new address confirmed, at `at`, the change of this id."""

    id: str
    at: datetime


@frozen
class AddressChangeUndone:
    """The reader of the old address undid, at `at`, the change of this id."""

    id: str
    at: datetime


@frozen
class CustomerCreated:
    """Billhook created this customer at Stripe for the account."""

    customer: str


ProfileFact = (
    ProfileChanged
    | AddressChangeRequested
    | AddressChangeConfirmed
    | AddressChangeUndone
    | CustomerCreated
)
