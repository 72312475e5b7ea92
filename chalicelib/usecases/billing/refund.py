"""Refund what was paid for a subscription. Looks first at what Stripe holds, so that nothing is
refunded twice.
"""

from chalicelib.domain.account.cancellation import Refund
from chalicelib.domain.account.operations import Operation
from chalicelib.domain.billing.refunds import RefundPlan, refund_plan
from chalicelib.domain.errors import OutcomeUnknown, Refused, StripeRefused
from chalicelib.domain.stripe_objects.answers import InvoiceAnswer, StripeCharge
from chalicelib.usecases.ports.stripe import Stripe
from chalicelib.values import replace

REFUNDED_ALREADY = "charge_already_refunded"

LATER = frozenset({"balance_insufficient"})
"""Codes with which Stripe refuses a refund now, and accepts it once the owner has money there
(docs.stripe.com/error-codes).
"""


def refund_all(
    operation: Operation, subscription: str, key: str, stripe: Stripe
) -> tuple[Refund | None, dict[str, str]]:
    """Take away the credit that the subscription's invoices made, void the open ones and refund the
    paid ones, as far as the operation says. In this order: whoever stops on the way has paid back
    too little, never too much.

    Returns what comes back in all, and the invoices and charges of which Stripe refuses that, with
    its code: an invoice that a debit is paying, or a charge that cannot be refunded any more.
    Somebody has to look after these.

    Raises Unavailable, Refused, Unreadable; and OutcomeUnknown where Stripe does not refund a
    charge now (the owner's balance is too low, say), because the refund is owed and has to be tried
    again.
    """
    refused: dict[str, str] = {}
    customer = operation.customer
    invoices, plan = _plan(operation, subscription, stripe)
    if plan.credit:
        stripe.customers.take_credit(
            f"{key}:credit", customer, subscription, plan.credit, plan.currency
        )
    for invoice in invoices:
        if invoice.status == "open":
            try:
                stripe.invoices.void(f"{key}:{invoice.id}:void", invoice.id)
            except StripeRefused as failure:
                refused[invoice.id] = failure.stripe_code or failure.code
    missing = 0
    for charge, amount in plan.left.items():
        try:
            stripe.invoices.refund(f"{key}:{charge}:refund", invoices[0].account_id, charge, amount)
        except Refused as failure:
            if not isinstance(failure, StripeRefused) or failure.stripe_code in LATER:
                raise OutcomeUnknown(
                    f"Stripe does not refund a payment yet. {failure.message}"
                ) from failure
            if failure.stripe_code != REFUNDED_ALREADY:
                refused[charge] = failure.stripe_code or failure.code
                missing += amount
    total = plan.total and replace(plan.total, amount=plan.total.amount - missing)
    return total, refused


def is_refunded(
    operation: Operation, subscription: str, stripe: Stripe
) -> tuple[bool, Refund | None]:
    """Whether no invoice of the subscription is open, no credit of it is left and nothing is to be
    refunded; and what has come back. Raises Unavailable, Refused, Unreadable.
    """
    invoices, plan = _plan(operation, subscription, stripe)
    is_open = any(invoice.status == "open" for invoice in invoices)
    return not (is_open or plan.credit or plan.left), plan.total


def planned_refund(operation: Operation, stripe: Stripe) -> Refund | None:
    """What a withdrawal would pay back. Raises Unavailable, Refused, Unreadable."""
    return _plan(operation, str(operation.subscription), stripe)[1].total


def _plan(
    operation: Operation, subscription: str, stripe: Stripe
) -> tuple[list[InvoiceAnswer], RefundPlan]:
    invoices = _invoices(operation.customer, subscription, stripe)
    return invoices, refund_plan(
        subscription,
        {invoice.id for invoice in invoices},
        stripe.customers.balance_changes(operation.customer),
        _charges(operation.customer, invoices, stripe),
        operation.refund,
    )


def _invoices(customer: str, subscription: str, stripe: Stripe) -> list[InvoiceAnswer]:
    return [
        invoice
        for invoice in stripe.reader.invoices_of(customer)
        if invoice.value.subscription == subscription
    ]


def _charges(customer: str, invoices: list[InvoiceAnswer], stripe: Stripe) -> list[StripeCharge]:
    """The charges that paid these invoices, the newest first. A disputed charge is not refunded:
    the bank has taken the money back, or decides about it.
    """
    paid = [
        invoice.id for invoice in invoices if invoice.status == "paid" and invoice.value.amount_paid
    ]
    intents = {intent for id in paid for intent in stripe.invoices.payment_intents_of(id)}
    return [
        charge
        for charge in (stripe.invoices.charges_of(customer) if intents else [])
        if charge.payment_intent in intents and charge.paid and not charge.disputed
    ]
