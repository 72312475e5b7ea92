"""Credit at Stripe that nobody paid for."""

from collections.abc import Collection, Iterable

from chalicelib.domain.stripe_objects.answers import StripeCharge
from chalicelib.domain.stripe_objects.objects import Invoice


def unpaid_credit(
    credit: int,
    currency: str | None,
    invoices: Iterable[Invoice],
    charges: Iterable[StripeCharge],
    charged_back: Collection[str] = (),
) -> int:
    """How much of a customer's credit exceeds what the customer ever paid and did not get back; 0
    if none does. Amounts are in minor units of `currency`, that of the customer.

    What was paid is what the invoices say or what the charges do, whichever is more: an invoice may
    be paid by bank transfer, without a charge, and only the last hundred invoices are known. The
    payments of the invoices `charged_back` are gone.
    """
    billing = [one for one in invoices if one.currency in (None, currency)]
    billed = sum(one.amount_paid for one in billing)
    lost = sum(one.amount_paid for one in billing if one.id in charged_back)
    own = [one for one in charges if one.paid and one.currency in (None, currency)]
    paid = max(billed, sum(one.amount for one in own))
    return max(0, credit - max(0, paid - lost - sum(one.amount_refunded for one in own)))
