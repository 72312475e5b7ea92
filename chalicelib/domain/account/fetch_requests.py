"""What an account still has to fetch from Stripe."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class FetchRequest:
    """What to ask Stripe: one `customer`, one `subscription`, or the `subscriptions` or `invoices`
    of a customer.
    """

    what: str
    id: str

    def __str__(self) -> str:
        return f"{self.what}:{self.id}"


def everything_of(customer: str) -> tuple[FetchRequest, ...]:
    """What to ask to know all of a customer."""
    return (
        FetchRequest("customer", customer),
        FetchRequest("invoices", customer),
        FetchRequest("subscriptions", customer),
    )
