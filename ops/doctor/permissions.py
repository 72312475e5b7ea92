"""May the stage's Stripe key do all that the functions have Stripe do? A restricted key may lack
any of it, and then only that one thing fails.

Stripe tells by trying alone. What is read is read: one object. What is written is tried on an
object that nobody has, which changes nothing: a key that may is told that there is none (404, or
400 where the id is a parameter), one that may not is refused (403).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.domain.errors import Refused

if TYPE_CHECKING:
    from chalicelib.stripe_api.transport import StripeTransport

NOBODY = "billhook_doctor"
"""The id of an object that does not exist."""


@dataclass(frozen=True, slots=True)
class Permission:
    """A permission that the key must have. `resource` is as Stripe's dashboard names it, `of` the
    start of its paths, `also` that of others; `without` says what fails. `required` are parameters
    without which Stripe looks at nothing else.
    """

    resource: str
    of: str
    without: str
    writes: bool = False
    try_at: str = ""
    customer: str | None = None
    required: tuple[tuple[str, str | int], ...] = ()
    also: tuple[str, ...] = ()

    @property
    def level(self) -> str:
        """Read, or Write, which includes Read."""
        return "Write" if self.writes else "Read"

    def asked(self, transport: "StripeTransport") -> None:
        """Raises Refused, Unavailable."""
        if self.writes:
            given: dict[str, Any] = {"customer": self.customer} if self.customer else {}
            transport.post(f"{self.of}{self.try_at}", **given | dict(self.required))
        else:
            transport.get(self.of, limit=1)


PERMISSIONS = (
    Permission("Prices", "/v1/prices", "no trial starts and no Checkout opens"),
    Permission(
        "Customers",
        "/v1/customers",
        "no signup reaches Stripe",
        writes=True,
        try_at=f"/cus_{NOBODY}",
    ),
    Permission(
        "Subscriptions",
        "/v1/subscriptions",
        "no trial starts, and what Stripe owes is not learnt",
        writes=True,
        try_at=f"/sub_{NOBODY}",
        also=("/v1/subscription_items",),
    ),
    Permission(
        "Subscription Schedules",
        "/v1/subscription_schedules",
        "a subscription with a schedule is not canceled or changed",
        writes=True,
        try_at=f"/sub_sched_{NOBODY}/release",
    ),
    Permission(
        "Invoices",
        "/v1/invoices",
        "a new card pays nothing that is owed",
        writes=True,
        try_at=f"/in_{NOBODY}/pay",
    ),
    Permission(
        "Invoice Items",
        "/v1/invoiceitems",
        "nothing can be charged beside the plan",
        writes=True,
        try_at=f"/ii_{NOBODY}",
    ),
    Permission("Coupons", "/v1/coupons", "no discount can be given"),
    Permission(
        "Checkout Sessions",
        "/v1/checkout/sessions",
        "nobody can buy or give a card",
        writes=True,
        try_at=f"/cs_{NOBODY}/expire",
    ),
    Permission(
        "Customer portal",
        "/v1/billing_portal",
        "nobody reaches Stripe's portal",
        writes=True,
        try_at="/sessions",
        customer=f"cus_{NOBODY}",
    ),
    Permission(
        "Setup Intents", "/v1/setup_intents", "a card given on a Checkout page is never used"
    ),
    Permission(
        "Payment Methods", "/v1/payment_methods", "a card given on a Checkout page is never used"
    ),
    Permission("Charges", "/v1/charges", "a dispute does not find its account"),
    Permission(
        "Refunds",
        "/v1/refunds",
        "who withdraws is paid nothing back",
        writes=True,
        customer=f"cus_{NOBODY}",
    ),
    Permission("Invoice payments", "/v1/invoice_payments", "who withdraws is paid nothing back"),
    Permission(
        "Payment Intents",
        "/v1/payment_intents",
        "a payment that a bank debit makes is taken for a failed one",
    ),
    Permission("Events", "/v1/events", "events that Stripe could not deliver are not fetched"),
)
"""Everything that chalicelib/stripe_api calls, and what it has expanded in an answer."""

NESTED = (
    Permission(
        "Customer balance transactions",
        f"/v1/customers/cus_{NOBODY}/balance_transactions",
        "who withdraws keeps the credit, and is paid nothing back",
        writes=True,
        required=(("amount", 1), ("currency", "usd")),
    ),
)
"""What is called below the path of another object, and may have a permission of its own."""


def lacking(
    transport: "StripeTransport", wanted: Iterable[Permission] = (*PERMISSIONS, *NESTED)
) -> list[Permission]:
    """The permissions that the key lacks. Raises Unavailable; Refused if Stripe does not accept the
    key at all.
    """
    return [one for one in wanted if _is_forbidden(one, transport)]


def status_of(error: Refused) -> int | None:
    """Stripe's status, from the SDK's error behind ours."""
    return getattr(error.__cause__, "http_status", None)


def _is_forbidden(permission: Permission, transport: "StripeTransport") -> bool:
    try:
        permission.asked(transport)
    except Refused as error:
        if status_of(error) == 401:
            raise
        return status_of(error) == 403
    return False
