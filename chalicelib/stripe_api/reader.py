"""Reads Stripe's objects."""

from chalicelib.stripe_api.transport import Raw, StripeTransport


class StripeReader:
    """Implements ReaderApi (usecases/ports.py)."""

    def __init__(self, transport: StripeTransport) -> None:
        self._transport = transport

    def customer(self, id: str) -> Raw | None:
        """See ReaderApi."""
        return self._transport.get(
            f"/v1/customers/{id}", expand=["invoice_settings.default_payment_method"]
        )

    def subscription(self, id: str) -> Raw | None:
        """See ReaderApi."""
        return self._transport.get(f"/v1/subscriptions/{id}", expand=["default_payment_method"])

    def subscriptions_of(self, customer: str) -> list[Raw]:
        """See ReaderApi."""
        return self._transport.all(
            "/v1/subscriptions",
            customer=customer,
            status="all",
            expand=["data.default_payment_method"],
        )

    def invoices_of(self, customer: str) -> list[Raw]:
        """See ReaderApi."""
        page = self._transport.get("/v1/invoices", customer=customer, limit=100)
        return page["data"] if page else []

    def charge(self, id: str) -> Raw | None:
        """See ReaderApi."""
        return self._transport.get(f"/v1/charges/{id}")
