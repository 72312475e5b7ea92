"""Applies facts to an account, by one rule for each kind of fact.

Applying facts is commutative and idempotent: neither their order nor their number changes the
result.
"""

from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.domain.account.cancellation import (
    CancellationConfirmed,
    CancellationRequested,
    ContractWithdrawn,
    ExitFeedbackGiven,
    RetentionOfferAccepted,
)
from chalicelib.domain.account.facts import (
    AddressProved,
    BroadcastRequested,
    CardSaved,
    CheckoutCompleted,
    CheckoutUpdated,
    ConsentGiven,
    CustomerSnapshot,
    DiscountSnapshot,
    DisputeSnapshot,
    Fact,
    FetchResult,
    GrantGiven,
    InvoiceSnapshot,
    LinksEnded,
    MessageRecorded,
    MilestoneReached,
    NoticeComplained,
    OperationUpdated,
    PaymentSnapshot,
    RefundRecorded,
    SignedIn,
    SignedUp,
    SignedUpAgain,
    SignInRequested,
    SignupConfirmed,
    SubscriptionSnapshot,
    Superseded,
)
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.parts.instance import (
    InstanceAnswered,
    InstanceCalled,
    InstanceHeld,
    InstanceLeaves,
    InstanceOrdered,
    InstanceReported,
)
from chalicelib.domain.account.profile import (
    AddressChangeConfirmed,
    AddressChangeRequested,
    AddressChangeUndone,
    CustomerCreated,
    ProfileChanged,
)
from chalicelib.domain.account.rules import (
    customer,
    instance,
    invoices,
    profile,
    revenue,
    signups,
    stripe,
)
from chalicelib.domain.account.state import Account, CardSnapshot
from chalicelib.domain.security.openings import LinkEnded, LinkOpened
from chalicelib.values import replace


def apply(account: Account, fact: Fact) -> Account:
    """The account after `fact`; the same object if the fact changes nothing. What only Stripe can
    decide is added to `asks`, and has to be fetched.
    """
    return _RULES[type(fact)](account, fact)


def _apply_fetch_result(account: Account, result: FetchResult) -> Account:
    asks = tuple(request for request in account.asks if request != result.request)
    account = replace(account, asks=asks)
    for fact in result.facts:
        account = apply(account, fact)
    return account


def _apply_refund(account: Account, fact: RefundRecorded) -> Account:
    """A refund is for the timeline alone: it changes no access."""
    return account


_RULES: Mapping[type, Callable[[Account, Any], Account]] = {
    FetchRequest: Account.with_fetch,
    FetchResult: _apply_fetch_result,
    CustomerSnapshot: stripe.apply_customer,
    SubscriptionSnapshot: stripe.apply_subscription,
    InvoiceSnapshot: invoices.apply_invoice,
    PaymentSnapshot: invoices.apply_payment,
    CardSnapshot: stripe.apply_card,
    CheckoutCompleted: stripe.apply_completed_checkout,
    DisputeSnapshot: stripe.apply_dispute,
    DiscountSnapshot: revenue.apply_discount,
    RefundRecorded: _apply_refund,
    OperationUpdated: stripe.apply_operation,
    CheckoutUpdated: stripe.apply_checkout,
    CardSaved: stripe.apply_saved_card,
    SignedUp: customer.apply_signup,
    SignedUpAgain: signups.apply_second_signup,
    SignupConfirmed: signups.apply_confirmed_signup,
    AddressProved: customer.apply_proof,
    SignInRequested: customer.apply_sign_in_request,
    SignedIn: customer.apply_sign_in,
    LinksEnded: customer.apply_ended_links,
    Superseded: customer.apply_superseding,
    LinkOpened: customer.apply_opening,
    LinkEnded: customer.apply_ended_link,
    MilestoneReached: customer.apply_milestone,
    ConsentGiven: customer.apply_consent,
    MessageRecorded: customer.apply_message,
    NoticeComplained: customer.apply_notice_complaint,
    BroadcastRequested: customer.apply_broadcast,
    GrantGiven: customer.apply_grant,
    CancellationRequested: customer.apply_cancellation_request,
    CancellationConfirmed: customer.apply_confirmed_cancellation,
    RetentionOfferAccepted: customer.apply_accepted_offer,
    ContractWithdrawn: customer.apply_withdrawal,
    ExitFeedbackGiven: customer.apply_exit_feedback,
    ProfileChanged: profile.apply_profile_change,
    CustomerCreated: profile.apply_created_customer,
    AddressChangeRequested: profile.apply_address_request,
    AddressChangeConfirmed: profile.apply_confirmed_address,
    AddressChangeUndone: profile.apply_undone_address,
    InstanceCalled: instance.apply_call,
    InstanceAnswered: instance.apply_answer,
    InstanceReported: instance.apply_report,
    InstanceOrdered: instance.apply_order,
    InstanceHeld: instance.apply_hold,
    InstanceLeaves: instance.apply_leaving,
}
