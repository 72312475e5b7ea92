"""What an account still has to fetch from Stripe."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class FetchRequest:
    """An object or a list to fetch from Stripe. `what` is `customer`, `subscription` or `invoice`,
    with its `id`; or `subscriptions` or `invoices`, with the customer's `id`; or `payments`, with
    the invoice's `id`; or `discounts`, with the subscription's `id`; or `customer_discount`, with
    the customer's `id`.
    """

    what: str
    id: str

    def __str__(self) -> str:
        return f"{self.what}:{self.id}"


def everything_of(customer: str) -> tuple[FetchRequest, ...]:
    """The requests that fetch all that Billhook reads of a customer."""
    return (
        FetchRequest("customer", customer),
        FetchRequest("invoices", customer),
        FetchRequest("subscriptions", customer),
    )
