"""What is known of the invoices of an account, and of their payments."""

from datetime import datetime

from chalicelib.domain.stripe_objects.objects import Invoice
from chalicelib.values import frozen


@frozen
class TrackedInvoice:
    """The furthest known state of an invoice, last reported at `seen`. `bank_asked` is the number
    of the last attempt that the bank wanted the customer to confirm; 0 for none.
    """

    value: Invoice
    seen: datetime
    bank_asked: int = 0

    @property
    def bank_asks(self) -> bool:
        """Whether the bank wants the customer to confirm the last attempt."""
        return 0 < self.value.attempt_count <= self.bank_asked


@frozen
class PaymentState:
    """What was reported of the payment of one invoice, beside the invoice itself.

    `known_attempt` is the number of the last attempt whose outcome was reported. `first_failed_at`
    and `failed_at` are when the first and the last failure were reported, `failure` is Stripe's
    code of the last one. `processing_at` is when the last bank debit was reported to be under way.
    `finalization_error` is Stripe's code of why the invoice could not be finalized.
    """

    known_attempt: int = 0
    first_failed_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str | None = None
    processing_at: datetime | None = None
    finalization_error: str | None = None

    @property
    def is_processing(self) -> bool:
        """Whether a debit was under way when it was last reported."""
        return self.processing_at is not None and (
            self.failed_at is None or self.failed_at < self.processing_at
        )
