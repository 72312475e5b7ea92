"""Changes to make at Stripe, as data: each names the object, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ops.stripe.desired_state import WantedPrice


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change, or an obstacle. `name` is the object's name for people."""

    verb: ClassVar[str]
    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.verb:<8}{self.name}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeProduct(Change):
    """A product for a plan."""

    verb = "make"
    plan: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MendProduct(Change):
    """Rename a product, or make it active again."""

    verb = "change"
    id: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class MakePrice(Change):
    """A new price that takes the lookup key, from `replaces` if there is such a price, with its tax
    behavior. `product` is None if it is still to be created.
    """

    verb = "make"
    price: WantedPrice
    product: str | None
    replaces: str | None = None
    tax_behavior: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MendPrice(Change):
    """Make a price active again."""

    verb = "change"
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveDefault(Change):
    """Make the price of this lookup key the default of its product: Stripe does not archive a
    default price.
    """

    verb = "change"
    product: str
    lookup_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetirePrice(Change):
    """Archive a price. Its subscribers stay on it."""

    verb = "retire"
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MakePortal(Change):
    """A portal configuration of Billhook's."""

    verb = "make"


@dataclass(frozen=True, slots=True, kw_only=True)
class MendPortal(Change):
    """Update Billhook's portal configuration."""

    verb = "change"
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosePortalEmail(Change):
    """Take the e-mail address out of what customers may change in a configuration of Billhook's
    with these features.
    """

    verb = "change"
    id: str
    features: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetirePortal(Change):
    """Deactivate a second portal configuration of Billhook's."""

    verb = "retire"
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeEndpoint(Change):
    """A new webhook endpoint; its secret is stored before the present ones. `drop` are the marks of
    secrets that no endpoint uses any more.
    """

    verb = "make"
    drop: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class MendEndpoint(Change):
    """Change the event types of an endpoint, or enable it."""

    verb = "change"
    id: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireEndpoint(Change):
    """Disable an endpoint, once every function has the secret of its successor."""

    verb = "retire"
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteEndpoint(Change):
    """Delete an endpoint that never sent anything: nobody has its secret."""

    verb = "delete"
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeDestination(Change):
    """A new event destination at EventBridge. The stage takes its events once it is deployed with
    the source that Stripe makes.
    """

    verb = "make"


@dataclass(frozen=True, slots=True, kw_only=True)
class MendDestination(Change):
    """Change the event types of an event destination, unless `tell_of` is None, and enable it if it
    is not.
    """

    verb = "change"
    id: str
    enable: bool
    tell_of: frozenset[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck(Change):
    """An obstacle; `why` says what to do instead."""

    verb = "stuck"
