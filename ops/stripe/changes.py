"""What is to be changed at Stripe, as data: each says on which object, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ops.stripe.desired_state import WantedPrice


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change, or what stands in its way. `name` is what people know the object by."""

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
    """Another name, or up for sale again."""

    verb = "change"
    id: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class MakePrice(Change):
    """A new price that takes the lookup key, from `replaces` if there is such a price, and then its
    way with taxes too. `product` is None where it is still to be made.
    """

    verb = "make"
    price: WantedPrice
    product: str | None
    replaces: str | None = None
    tax_behavior: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MendPrice(Change):
    """Put a price up for sale again."""

    verb = "change"
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveDefault(Change):
    """Make the price of this lookup key its product's default: Stripe does not archive a default
    price.
    """

    verb = "change"
    product: str
    lookup_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetirePrice(Change):
    """Sell it no more. Who pays it goes on paying it."""

    verb = "retire"
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MakePortal(Change):
    """A portal configuration of ours."""

    verb = "make"


@dataclass(frozen=True, slots=True, kw_only=True)
class MendPortal(Change):
    """Set ours to what is wanted."""

    verb = "change"
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetirePortal(Change):
    """Switch a second one of ours off."""

    verb = "retire"
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeEndpoint(Change):
    """A new webhook endpoint, its secret put before those held; `drop` are the marks of secrets
    that nothing signs with any more.
    """

    verb = "make"
    drop: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class MendEndpoint(Change):
    """Other event types, or on again."""

    verb = "change"
    id: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireEndpoint(Change):
    """Disable an endpoint, once every function knows the secret of the one that takes its place."""

    verb = "retire"
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteEndpoint(Change):
    """Take away an endpoint that never told anything: nobody holds its secret."""

    verb = "delete"
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck(Change):
    """What cannot be done here; `why` says what to do instead."""

    verb = "stuck"
