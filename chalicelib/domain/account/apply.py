"""Applies facts to an account, by one rule for each kind of fact.

Applying facts is commutative and idempotent: neither their order nor their number changes the
result.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from chalicelib.domain.account import customer_rules, profile_rules, stripe_rules
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
    DisputeSnapshot,
    Fact,
    FetchResult,
    GrantGiven,
    InvoiceSnapshot,
    MessageRecorded,
    MilestoneReached,
    OperationUpdated,
    RefundRecorded,
    SignedIn,
    SignedUp,
    SignInRequested,
    SubscriptionSnapshot,
)
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.profile import (
    AddressChangeConfirmed,
    AddressChangeRequested,
    AddressChangeUndone,
    CustomerCreated,
    ProfileChanged,
)
from chalicelib.domain.account.state import Account, CardSnapshot


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
    CustomerSnapshot: stripe_rules.apply_customer,
    SubscriptionSnapshot: stripe_rules.apply_subscription,
    InvoiceSnapshot: stripe_rules.apply_invoice,
    CardSnapshot: stripe_rules.apply_card,
    CheckoutCompleted: stripe_rules.apply_completed_checkout,
    DisputeSnapshot: stripe_rules.apply_dispute,
    RefundRecorded: _apply_refund,
    OperationUpdated: stripe_rules.apply_operation,
    CheckoutUpdated: stripe_rules.apply_checkout,
    CardSaved: stripe_rules.apply_saved_card,
    SignedUp: customer_rules.apply_signup,
    AddressProved: customer_rules.apply_proof,
    SignInRequested: customer_rules.apply_sign_in_request,
    SignedIn: customer_rules.apply_sign_in,
    MilestoneReached: customer_rules.apply_milestone,
    ConsentGiven: customer_rules.apply_consent,
    MessageRecorded: customer_rules.apply_message,
    BroadcastRequested: customer_rules.apply_broadcast,
    GrantGiven: customer_rules.apply_grant,
    CancellationRequested: customer_rules.apply_cancellation_request,
    CancellationConfirmed: customer_rules.apply_confirmed_cancellation,
    RetentionOfferAccepted: customer_rules.apply_accepted_offer,
    ContractWithdrawn: customer_rules.apply_withdrawal,
    ExitFeedbackGiven: customer_rules.apply_exit_feedback,
    ProfileChanged: profile_rules.apply_profile_change,
    CustomerCreated: profile_rules.apply_created_customer,
    AddressChangeRequested: profile_rules.apply_address_request,
    AddressChangeConfirmed: profile_rules.apply_confirmed_address,
    AddressChangeUndone: profile_rules.apply_undone_address,
}
