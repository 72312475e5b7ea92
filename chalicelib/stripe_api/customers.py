"""Stripe's customers, and the customer portal."""

from chalicelib.stripe_api.transport import Raw
from chalicelib.stripe_api.writer import OURS, StripeWriter, data_of


class StripeCustomers(StripeWriter):
    """Implements CustomersApi (usecases/ports.py)."""

    def with_email(self, email: str) -> list[Raw]:
        """See CustomersApi."""
        return data_of(self._transport.get("/v1/customers", email=email, limit=100))

    def create(self, key: str, account_id: str, email: str, name: str | None) -> Raw:
        """See CustomersApi."""
        return self._write(
            "/v1/customers",
            key,
            email=email,
            metadata={"account_id": account_id},
            **({"name": name} if name else {}),
        )

    def set_default_card(
        self, key: str, customer: str, card: str, address: Raw | None = None
    ) -> Raw:
        """See CustomersApi."""
        filled = {name: value for name, value in (address or {}).items() if value}
        return self._write(
            f"/v1/customers/{customer}",
            key,
            invoice_settings={"default_payment_method": card},
            **({"address": filled} if filled else {}),
        )

    def delete(self, id: str) -> None:
        """See CustomersApi."""
        self._transport.delete(f"/v1/customers/{id}")

    def open_portal(self, customer: str, return_url: str) -> Raw:
        """See CustomersApi. Uses a configuration of our own: Stripe's default can only be made in
        the dashboard, and may serve the owner for something else.
        """
        found = self._transport.all("/v1/billing_portal/configurations", active=True)
        ours = [one["id"] for one in found if OURS.items() <= (one.get("metadata") or {}).items()]
        return self._write(
            "/v1/billing_portal/sessions",
            None,
            customer=customer,
            return_url=return_url,
            **({"configuration": ours[-1]} if ours else {}),
        )
