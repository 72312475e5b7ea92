"""The invoices on the billing page."""

from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.domain.account.queries import creation_order, customer_for
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Invoice
from chalicelib.localization.amounts import money
from chalicelib.localization.dates import short_day
from chalicelib.pages.texts import text

INVOICES_SHOWN = 12
"""The number of invoices on the billing page: the newest ones."""


def open_invoice_url(account: Account) -> str:
    """The URL at Stripe of the newest open invoice of the customer whose subscription the page is
    about; empty if there is none. One that a bank debit is paying is not offered: it would be paid
    twice.
    """
    customer = customer_for(account)
    unpaid = [
        invoice.value
        for id, invoice in account.invoices.items()
        if invoice.value.status == "open"
        and invoice.value.hosted_invoice_url
        and (customer is None or invoice.value.customer == customer.id)
        and not account.payment_of(id).is_processing
    ]
    newest = max(unpaid, key=lambda invoice: invoice.created, default=None)
    return newest.hosted_invoice_url or "" if newest else ""


def _has_page(invoice: Invoice) -> bool:
    """Whether Stripe has a page for the invoice. Of old ones that are paid or void the account does
    not keep it.
    """
    return bool(invoice.hosted_invoice_url) or invoice.status in {"paid", "void"}


def invoice_rows(
    account: Account, policy: Policy, zone: ZoneInfo, language: str
) -> list[dict[str, Any]]:
    """The newest invoices of the account, for the billing page."""
    invoices = [
        invoice.value
        for invoice in account.invoices.values()
        if invoice.value.status != "draft" and invoice.value.amount_due
    ]
    invoices.sort(key=creation_order, reverse=True)
    return [
        {
            "date": short_day(invoice.created, zone, language),
            "amount": money(
                invoice.left_to_pay if invoice.status == "open" else invoice.amount_due,
                invoice.currency or policy.currency,
                language,
            ),
            "status": text(f"invoice_status.{invoice.status}", language),
            "is_paid": invoice.status == "paid",
            "path": f"/billing/invoices/{invoice.id}" if _has_page(invoice) else "",
        }
        for invoice in invoices[:INVOICES_SHOWN]
    ]
