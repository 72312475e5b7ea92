"""What has become of a payment that was open when a call was answered."""

from chalicelib.domain.access.standing import standing
from chalicelib.domain.billing.idempotency import Outcome, StoredResponse
from chalicelib.domain.billing.payments import OpenPayment, open_payment
from chalicelib.domain.errors import PaymentFailed
from chalicelib.usecases.reading import require_account
from chalicelib.usecases.services import Services
from chalicelib.values import replace


def settle_payment(stored: StoredResponse, payment: OpenPayment, services: Services) -> Outcome:
    """The stored outcome with its payment as it is now. Once it is paid, the standing is today's.

    Raises PaymentFailed if it has failed. The invoice of a charge is voided then, as that of a
    declined card is, so that the customer owes nothing unnoticed.
    """
    found, outcome = services.stripe.invoices.with_payments(payment.invoice), stored.outcome
    if found.status == "paid":
        account = require_account(stored.account_id, services.stores.accounts)
        now = standing(account, services.policy, services.clock.now())
        return _with_status(replace(outcome, standing=now, payment=None), "paid")
    still_open = open_payment(found)
    if still_open:
        return _with_status(replace(outcome, payment=still_open), still_open.status)
    if outcome.charged and found.status == "open":
        services.stripe.invoices.void(
            f"{stored.account_id}:{payment.invoice}:failed:void", payment.invoice
        )
    raise PaymentFailed("The payment has failed: it was returned, or not confirmed in time.")


def _with_status(outcome: Outcome, status: str) -> Outcome:
    charged = outcome.charged
    return replace(outcome, charged=replace(charged, status=status)) if charged else outcome
