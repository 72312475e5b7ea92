"""The facts that an account can learn, translated from their sources: Stripe's events and answers,
the product, the customer, operators and Billhook's own operations.
"""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.account.cancellation import CancellationFact
from chalicelib.domain.account.checkout import Checkout
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.messages import Broadcast, MessageRecord
from chalicelib.domain.account.operations import PendingOperation
from chalicelib.domain.account.ordering import FromEvent, FromFetch
from chalicelib.domain.account.state import CardSnapshot, Grant, Profile, Signup
from chalicelib.domain.stripe_objects.objects import Customer, Invoice, Subscription


@dataclass(frozen=True, slots=True)
class GrantGiven:
    """Access was given by hand; the same again gives nothing more."""

    grant: Grant


@dataclass(frozen=True, slots=True)
class MessageRecorded:
    """What became of the message of a step for an occasion, `step@occasion`."""

    key: str
    mailed: MessageRecord


@dataclass(frozen=True, slots=True)
class SignedUp:
    """A visitor signed up."""

    signup: Signup
    profile: Profile


@dataclass(frozen=True, slots=True)
class OperationUpdated:
    """How far an errand is. One that is new to the account is given by this; one that is done stays
    done.
    """

    name: str
    operation: PendingOperation


@dataclass(frozen=True, slots=True)
class CheckoutUpdated:
    """The Checkout that is begun, made or closed."""

    checkout: Checkout


@dataclass(frozen=True, slots=True)
class AddressProved:
    """Whoever reads the account's mail opened a link that was mailed there."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """The customer wants mail of a stream, or no more of it."""

    stream: str
    wanted: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class MilestoneReached:
    """The user has done something in the product, at the earliest at this moment."""

    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SignInRequested:
    """Somebody who knows the address wants a link to the billing page by mail."""

    at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A sign-in link was opened: the one that was asked for at `asked_at`, which works once."""

    asked_at: datetime


PersonFact = (
    MilestoneReached
    | ConsentGiven
    | MessageRecorded
    | SignedUp
    | AddressProved
    | SignInRequested
    | SignedIn
)


@dataclass(frozen=True, slots=True)
class BroadcastRequested:
    """A broadcast is to go to this account; the same name again wants nothing more."""

    name: str
    broadcast: Broadcast


@dataclass(frozen=True, slots=True)
class CardSaved:
    """A card that a Checkout session collected has been made the default. `at` is when it was
    entered: an older one never replaces it.
    """

    card: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CustomerSnapshot:
    """A customer's state, by an event or an answer."""

    customer: Customer
    by: FromEvent | FromFetch


@dataclass(frozen=True, slots=True)
class InvoiceSnapshot:
    """An invoice's state. Invoices need no order: they only go forward. `bank_asks` says that the
    bank wants its last attempt to be confirmed: the invoice itself does not tell, only the type of
    the event.
    """

    invoice: Invoice
    at: datetime
    bank_asks: bool = False


@dataclass(frozen=True, slots=True)
class SubscriptionSnapshot:
    """A subscription's state, by an event or an answer."""

    subscription: Subscription
    by: FromEvent | FromFetch


@dataclass(frozen=True, slots=True)
class FetchResult:
    """Stripe's whole answer to one ask; no facts if Stripe does not know the object."""

    ask: FetchRequest
    facts: tuple[CustomerSnapshot | SubscriptionSnapshot | InvoiceSnapshot | CardSnapshot, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckoutCompleted:
    """A Checkout session of ours was completed. `at` is when that was heard."""

    session: str
    mode: str
    customer: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DisputeSnapshot:
    """A payment is disputed; `status` is Stripe's, `charge` the payment."""

    id: str
    charge: str
    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RefundRecorded:
    """A payment was given back, in part or whole: told for the timeline. `refunded` is all that
    was, in minor units.
    """

    charge: str
    amount: int
    refunded: int
    currency: str | None
    at: datetime


StripeFact = (
    CustomerSnapshot
    | SubscriptionSnapshot
    | InvoiceSnapshot
    | CardSnapshot
    | CheckoutCompleted
    | DisputeSnapshot
    | RefundRecorded
)


Fact = (
    StripeFact
    | FetchResult
    | FetchRequest
    | PersonFact
    | OperationUpdated
    | CheckoutUpdated
    | CardSaved
    | GrantGiven
    | BroadcastRequested
    | CancellationFact
)
"""All that an account can learn; an Ask is that something must be asked of Stripe."""
