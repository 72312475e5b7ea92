"""What an account's invoices say of its subscriptions."""

from typing import TYPE_CHECKING

from chalicelib.domain.facts import Invoice, Subscription

if TYPE_CHECKING:
    from chalicelib.domain.account import Account


def invoices_of(account: "Account", subscription: Subscription) -> list[Invoice]:
    """The subscription's invoices that are known."""
    return [
        billed.value
        for billed in account.invoices.values()
        if billed.value.subscription == subscription.id
    ]


def paid_since_trial(account: "Account", subscription: Subscription) -> bool:
    """Whether an invoice made at or after the trial's end is paid.

    The invoice of 0 that Stripe makes at a trial's start is no payment; one made at its end is, of
    0 too (a coupon may make it so).
    """
    end = subscription.trial_end
    return end is not None and any(
        invoice.status == "paid" and invoice.created >= end
        for invoice in invoices_of(account, subscription)
    )


def first_paid(account: "Account", subscription: Subscription) -> Invoice | None:
    """The first invoice that was paid for a subscription, behind its trial if it had one; there it
    may be of 0, as a coupon may make it so.
    """
    end = subscription.trial_end
    paid = [
        one
        for one in invoices_of(account, subscription)
        if one.status == "paid" and (one.created >= end if end else one.amount_paid)
    ]
    return min(paid, key=lambda one: (one.created, one.id), default=None)


def was_paid(account: "Account", subscription: Subscription) -> bool:
    """Whether money ever came for a subscription."""
    return any(
        one.status == "paid" and one.amount_paid for one in invoices_of(account, subscription)
    )
