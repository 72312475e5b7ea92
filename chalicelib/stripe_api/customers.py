"""Stripe's customers, and the customer portal."""

from collections.abc import Mapping
from dataclasses import asdict

from chalicelib.domain.stripe_objects.answers import Address, BalanceChange, CustomerAnswer
from chalicelib.domain.stripe_objects.objects import Customer
from chalicelib.stripe_api import answers, objects
from chalicelib.stripe_api.events import PROFILE
from chalicelib.stripe_api.fields import identity, mapping, text
from chalicelib.stripe_api.portal_settings import FEATURES, lets_change_email, without_email
from chalicelib.stripe_api.writer import OURS, StripeWriter, data_of, is_ours


class StripeCustomers(StripeWriter):
    """Implements CustomersApi (usecases/ports/stripe.py)."""

    def with_email(self, email: str) -> list[CustomerAnswer]:
        """See CustomersApi."""
        page = self._transport.get("/v1/customers", email=email, limit=100)
        return [answers.customer(raw) for raw in data_of(page)]

    def create(
        self, key: str, metadata: Mapping[str, str], email: str, name: str | None
    ) -> Customer:
        """See CustomersApi."""
        raw = self._write(
            "/v1/customers",
            key,
            **({"email": email} if email else {}),
            metadata=dict(metadata),
            **({"name": name} if name else {}),
        )
        return objects.customer(raw)

    def update(self, key: str, customer: str, values: Mapping[str, str]) -> Customer:
        """See CustomersApi."""
        given = {
            PROFILE[name]: [value] if name == "language" else value
            for name, value in values.items()
        }
        return objects.customer(self._write(f"/v1/customers/{customer}", key, **given))

    def set_default_card(
        self, key: str, customer: str, card: str, address: Address | None = None
    ) -> Customer:
        """See CustomersApi."""
        parts = asdict(address) if address else {}
        filled = {name: value for name, value in parts.items() if value}
        raw = self._write(
            f"/v1/customers/{customer}",
            key,
            invoice_settings={"default_payment_method": card},
            **({"address": filled} if filled else {}),
        )
        return objects.customer(raw)

    def delete(self, id: str) -> None:
        """See CustomersApi."""
        self._transport.delete(f"/v1/customers/{id}")

    def balance_changes(self, customer: str) -> list[BalanceChange]:
        """See CustomersApi."""
        path = f"/v1/customers/{customer}/balance_transactions"
        return [answers.balance_change(raw) for raw in self._transport.all(path)]

    def take_credit(
        self, key: str, customer: str, subscription: str, amount: int, currency: str
    ) -> None:
        """See CustomersApi."""
        self._write(
            f"/v1/customers/{customer}/balance_transactions",
            key,
            amount=amount,
            currency=currency,
            description="Credit of a withdrawn contract",
            metadata={answers.WITHDRAWN: subscription, **OURS},
        )

    def open_portal(self, customer: str, return_url: str) -> str:
        """See CustomersApi. The configuration is always one of our own that lets nobody change the
        e-mail address, as Stripe's default may. It is made, or corrected, if there is none.
        """
        session = self._write(
            "/v1/billing_portal/sessions",
            None,
            customer=customer,
            return_url=return_url,
            configuration=self._portal(),
        )
        return text(session, "url")

    def _portal(self) -> str:
        path = "/v1/billing_portal/configurations"
        ours = [one for one in self._transport.all(path, active=True) if is_ours(one)]
        safe = [one for one in ours if not lets_change_email(mapping(one.get("features")))]
        if safe:
            return identity(safe[-1])
        if ours:
            mended = {"customer_update": without_email(mapping(ours[-1].get("features")))}
            return identity(self._write(f"{path}/{identity(ours[-1])}", None, features=mended))
        return identity(self._write(path, None, features=dict(FEATURES), metadata=dict(OURS)))
