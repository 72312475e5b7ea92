"""What an account's invoices say of its subscriptions."""

from typing import TYPE_CHECKING

from chalicelib.domain.facts import Invoice, Subscription

if TYPE_CHECKING:
    from chalicelib.domain.account import Account


def invoices_of(account: "Account", subscription: Subscription) -> list[Invoice]:
    """The subscription's invoices that are known."""
    return [billed.value for billed in account.invoices.values() if billed.value.subscription == subscription.id]


def paid_since_trial(account: "Account", subscription: Subscription) -> bool:
    """Whether an invoice made at or after the trial's end is paid.

    The invoice of 0 that Stripe makes at a trial's start is no payment; one made at its end is, of 0 too (a coupon may make it so).
    """
    end = subscription.trial_end
    return end is not None and any(invoice.status == "paid" and invoice.created >= end for invoice in invoices_of(account, subscription))
