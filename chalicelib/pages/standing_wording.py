"""Which texts tell a standing: those of its reason, or others for customers who pay by bank debit
or by sent invoice.
"""

from collections.abc import Mapping

from chalicelib.domain.account.payments import unpaid_invoices
from chalicelib.domain.account.queries import card_of
from chalicelib.domain.account.state import Account
from chalicelib.domain.stripe_objects.objects import Subscription

SENT: Mapping[str, str] = {
    "past_due_grace": "invoice_overdue_grace",
    "past_due": "invoice_overdue",
    "unpaid": "invoice_overdue",
}
"""Of sent invoices nothing is called a failed payment: the customer pays them."""

BY_DEBIT: Mapping[str, str] = {
    "past_due_grace": "debit_failed_grace",
    "past_due": "debit_failed",
    "unpaid": "debit_unpaid",
    "stale": "debit_stale",
}
"""A customer who pays by debit has no card to update."""

FIRST_RETURNED: Mapping[str, str] = {
    "first_payment": "debit_failed_grace",
    "trial_expired": "debit_failed",
    "payment_incomplete": "debit_failed",
}
"""The first debit has failed: it is not under way any more, and there is no plan to choose."""

FIRST_VOID: Mapping[str, str] = {
    "first_payment": "first_debit_failed_grace",
    "trial_expired": "first_debit_failed",
    "payment_incomplete": "first_debit_failed",
}
"""The same where Stripe has voided the invoice: nobody can pay it, so the owner bills again."""

WARNINGS = frozenset({"debit_failed_grace", "first_debit_failed_grace"})
"""The wordings that are a warning, whatever tone their reason has."""


def wording_of(reason: str, account: Account, subscription: Subscription | None) -> str:
    """The name of the texts below `standing` that tell the reason of a standing."""
    if subscription is None:
        return reason
    if reason == "paused" and subscription.trial_end:
        return "trial_paused"
    if subscription.send_invoice:
        return SENT.get(reason, reason)
    returned = [
        invoice
        for invoice in unpaid_invoices(account)
        if invoice.subscription == subscription.id and account.payment_of(invoice.id).processing_at
    ]
    if returned and reason in FIRST_RETURNED:
        is_void = all(invoice.status == "void" for invoice in returned)
        return FIRST_VOID[reason] if is_void else FIRST_RETURNED[reason]
    if returned or pays_by_debit(account, subscription):
        return BY_DEBIT.get(reason, reason)
    return reason


def pays_by_debit(account: Account, subscription: Subscription | None) -> bool:
    """Whether a bank account on file pays, for the subscription or for the next purchase."""
    card = card_of(account, subscription)
    return card is not None and card.debit is not None
