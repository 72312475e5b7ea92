"""The facts that change an account, translated from their sources: Stripe's events and responses,
the product, the customer, operators and Billhook's own operations.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from chalicelib.domain.account.cancellation import CancellationFact
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.messages import Broadcast, MessageRecord, NoticeComplaint
from chalicelib.domain.account.operations import PendingOperation
from chalicelib.domain.account.ordering import FromEvent, FromFetch
from chalicelib.domain.account.parts.checkout import Checkout
from chalicelib.domain.account.parts.instance import InstanceFact
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.profile import Profile, ProfileFact
from chalicelib.domain.account.state import CardSnapshot, Grant
from chalicelib.domain.security.openings import OpeningFact
from chalicelib.domain.stripe_objects.objects import Customer, Invoice, Subscription
from chalicelib.domain.stripe_objects.recurring import DiscountTerms
from chalicelib.values import frozen


@frozen
class CustomerSnapshot:
    """A customer's state, from an event or a fetch.

    `changed` has the fields of the profile that an event says it changed. `echo` means that it
    tells of Billhook's own change of them. `discounts` has the terms of those for all that the
    customer has, by id, as far as the customer itself tells them.
    """

    customer: Customer
    source: FromEvent | FromFetch
    changed: frozenset[str] = frozenset()
    echo: bool = False
    discounts: Mapping[str, DiscountTerms] = field(default_factory=dict)


@frozen
class SubscriptionSnapshot:
    """A subscription's state, from an event or a fetch. `proved` says that the right proof stands
    beside the account that its metadata names, or that Billhook has sold it. `recurring_before` is
    what it brought in before the event, as the event tells it; None if it does not. `discounts` has
    the terms of those that the event holds whole, by id.
    """

    subscription: Subscription
    source: FromEvent | FromFetch
    proved: bool = False
    recurring_before: str | None = None
    discounts: Mapping[str, DiscountTerms] = field(default_factory=dict)


@frozen
class DiscountSnapshot:
    """The terms of a discount as told at a time. `coupon` is the id of its coupon, if only that is
    known of what it gives.
    """

    id: str
    terms: DiscountTerms
    coupon: str | None = None


@frozen
class InvoiceSnapshot:
    """An invoice's state at `at`. It needs no source: an invoice's status only goes forward.

    `bank_asks` says that the bank wants the customer to confirm the last attempt, and `failed` that
    this attempt failed. Only the type of the event tells that, not the invoice: an attempt by bank
    debit is neither paid nor failed for days. `finalization_error` is why it stays a draft. One
    that was `fetched` is Stripe's present state, however late.
    """

    invoice: Invoice
    at: datetime
    bank_asks: bool = False
    failed: bool = False
    finalization_error: str | None = None
    fetched: bool = False


@frozen
class PaymentSnapshot:
    """The state of an invoice's payment at `at`: `status` is one of PAYMENT_STATUSES, `failure`
    Stripe's code. `debit_since` is when it was begun, if it is a bank debit. One that was `fetched`
    is the state at that time, and not since when it is so.
    """

    invoice: str
    status: str
    at: datetime
    failure: str | None = None
    debit_since: datetime | None = None
    fetched: bool = False


PAYMENT_STATUSES = {
    "processing": "A bank debit is under way: neither paid nor failed.",
    "failed": "The payment, or a debit that was under way, has failed.",
    "settled": "Nothing is under way and nothing has failed.",
}
"""The states of a payment that decisions depend on."""


@frozen
class CheckoutCompleted:
    """A Checkout session of Billhook's was completed. `at` is when Billhook learned of it."""

    session: str
    mode: str
    customer: str
    at: datetime


@frozen
class DisputeSnapshot:
    """The state of a dispute of the payment `charge`; `status` is Stripe's. `invoice` is what the
    payment was for, if the dispute is lost or won and the payment was for one.
    """

    id: str
    charge: str
    status: str
    at: datetime
    invoice: str | None = None


@frozen
class RefundRecorded:
    """A payment was refunded, in part or in whole. `amount` is the payment's and `refunded` the sum
    of its refunds, both in minor units. Only the timeline uses it.
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
    | PaymentSnapshot
    | CardSnapshot
    | CheckoutCompleted
    | DisputeSnapshot
    | RefundRecorded
    | DiscountSnapshot
    | FetchRequest
)


@frozen
class FetchResult:
    """Stripe's complete response to one request; without facts if Stripe has no such object."""

    request: FetchRequest
    facts: tuple[
        CustomerSnapshot
        | SubscriptionSnapshot
        | InvoiceSnapshot
        | PaymentSnapshot
        | CardSnapshot
        | DiscountSnapshot,
        ...,
    ] = ()


@frozen
class MilestoneReached:
    """The user did something in the product, at `at` or before. `by` is the people system that
    reported it, empty for the product itself.
    """

    name: str
    at: datetime
    by: str = ""


@frozen
class ConsentGiven:
    """The customer subscribed to mail of a stream, or unsubscribed from it."""

    stream: str
    subscribed: bool
    at: datetime


@frozen
class MessageRecorded:
    """The state of a message. `key` is `step@occasion`."""

    key: str
    record: MessageRecord


@frozen
class SignedUp:
    """A visitor signed up."""

    signup: Signup
    profile: Profile


@frozen
class SignedUpAgain:
    """A visitor signed up with the address of an account."""

    signup: Signup
    profile: Profile


@frozen
class SignupConfirmed:
    """The button behind a mailed link was pressed for one of the account's signups, by its number.
    Without `with_external_id` its id of the product is left out, which another account has.
    """

    number: int
    at: datetime
    with_external_id: bool = True


@frozen
class AddressProved:
    """Somebody opened a link that was mailed to the account's address, so it is theirs."""

    at: datetime


@frozen
class SignInRequested:
    """Somebody who knows the address requested a mailed link to the billing page. `email` is the
    address as it was typed, if that is known; `typed` is the signup that the link is for.
    """

    at: datetime
    email: str | None = None
    typed: SignedUpAgain | None = None


@frozen
class SignedIn:
    """The sign-in link that was requested at `requested_at` was opened. It works once."""

    requested_at: datetime


@frozen
class LinksEnded:
    """No link and no session that was handed out until `at` opens anything any more."""

    at: datetime


@frozen
class Superseded:
    """The reader of the account's address, which nobody had proved here, proved it for another."""

    at: datetime


@frozen
class NoticeComplained:
    """The reader of a billing notice reported it as spam."""

    complaint: NoticeComplaint


PersonFact = (
    MilestoneReached
    | ConsentGiven
    | MessageRecorded
    | SignedUp
    | SignedUpAgain
    | SignupConfirmed
    | AddressProved
    | SignInRequested
    | SignedIn
    | LinksEnded
    | Superseded
    | NoticeComplained
)


@frozen
class OperationUpdated:
    """The progress of an operation. It creates one that is new to the account; one that is done
    stays done.
    """

    name: str
    operation: PendingOperation


@frozen
class CheckoutUpdated:
    """The account's Checkout was begun, created at Stripe, or closed."""

    checkout: Checkout


@frozen
class CardSaved:
    """The card of a Checkout session became the default. `at` is when the customer entered it: an
    earlier one never replaces it.
    """

    card: str
    at: datetime


@frozen
class GrantGiven:
    """An operator granted access. The same grant again changes nothing."""

    grant: Grant


@frozen
class BroadcastRequested:
    """A broadcast is to go to this account. The same name again changes nothing."""

    name: str
    broadcast: Broadcast


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
    | ProfileFact
    | OpeningFact
    | InstanceFact
)
"""Every fact that can be applied to an account. A FetchRequest as a fact means that something has
to be fetched.
"""
