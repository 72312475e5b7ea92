"""Payments that the bank took back for good after a dispute, and what they still pay for: neither
the period that they paid nor, as credit, a later one.
"""

from collections.abc import Iterable

from chalicelib.domain.account.queries import invoices_of, period_invoices
from chalicelib.domain.account.state import Account
from chalicelib.domain.stripe_objects.objects import Invoice, Subscription

WITHDRAWN = frozenset({"needs_response", "under_review"})
"""The statuses of an open dispute for which Stripe has withdrawn the money. An inquiry
(`warning_…`) leaves it (docs.stripe.com/disputes/how-disputes-work).
"""


def charged_back(account: Account, subscription: Subscription) -> Invoice | None:
    """An invoice of the running period whose payment the bank took back for good, and that nothing
    that was paid since makes up for; None if there is none. The invoice stays paid at Stripe.
    """
    begun = subscription.period_start
    own = period_invoices(account, subscription)
    own = [one for one in own if begun is None or one.created >= begun]
    paid = _paid_with_money(account, invoices_of(account, subscription))
    return next((one for one in own if _missing(account, one, paid) > 0), None)


def is_paid_by_lost_credit(account: Account, subscription: Subscription) -> bool:
    """Whether credit pays for the running period while a payment of the same customer is taken
    back: the credit may have come from it. Until the dispute is decided; after a lost one until as
    much was paid beside the running period, or of the credit used up by others.
    """
    begun = subscription.period_start
    own = invoices_of(account, subscription)
    running = [one for one in own if begun is None or one.created >= begun]
    if not any(_credit_used(one) for one in running):
        return False
    if any(status in WITHDRAWN for status in account.disputes.values()):
        return True
    of_customer = [
        tracked.value
        for tracked in account.invoices.values()
        if tracked.value.customer == subscription.customer
    ]
    # What was paid in the running period pays for that period, and makes up for nothing beside it.
    earlier = [one for one in of_customer if one not in running]
    paid = _paid_with_money(account, earlier)
    for invoice in earlier:
        lost_at = account.charged_back.get(invoice.id)
        used = sum(_credit_used(one) for one in earlier if lost_at and one.created >= lost_at)
        if _missing(account, invoice, paid) > used:
            return True
    return False


def _credit_used(invoice: Invoice) -> int:
    """How much of a paid invoice the customer's credit paid."""
    if invoice.status != "paid" or invoice.total is None:
        return 0
    return max(0, invoice.total - invoice.amount_due)


def _paid_with_money(account: Account, invoices: Iterable[Invoice]) -> list[Invoice]:
    return [
        one
        for one in invoices
        if one.status == "paid" and one.amount_paid and one.id not in account.charged_back
    ]


def _missing(account: Account, invoice: Invoice, paid: list[Invoice]) -> int:
    """How much of a payment that was taken back nothing makes up for that was paid since; 0 for one
    that was not taken back.
    """
    lost_at = account.charged_back.get(invoice.id)
    if lost_at is None:
        return 0
    since = sum(one.amount_paid for one in paid if (one.paid_at or one.created) >= lost_at)
    return max(0, invoice.amount_paid - since)
