"""Which of several accounts an address is known as."""

import pytest

from chalicelib.domain.account.facts import (
    AddressProved,
    CustomerSnapshot,
    InvoiceSnapshot,
    SubscriptionSnapshot,
)
from chalicelib.domain.account.ordering import FromEvent
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.schedule.versions import next_version
from chalicelib.domain.stripe_objects.objects import Customer, Invoice, Item, Subscription
from chalicelib.usecases.accounts.sign_up import owner_of
from tests.fakes.services import POLICY, FakeServices

EMAIL = "ada@example.com"


def customer_at_stripe(place: FakeServices, id: str, is_proved: bool) -> None:
    """Keeps an account that came from Stripe and has paid there."""
    now, customer = place.now.at, f"cus_{id}"
    plan = Item("price_1", lookup_key="pro_monthly", quantity=1)
    subscription = Subscription(f"sub_{id}", customer, "active", now, (plan,))
    facts = [
        CustomerSnapshot(Customer(customer, EMAIL, "Ada", None), FromEvent(now)),
        SubscriptionSnapshot(subscription, FromEvent(now)),
        InvoiceSnapshot(
            Invoice(f"in_{id}", customer, "paid", now, subscription.id, "usd", 4900, 4900), now
        ),
        *([AddressProved(now)] if is_proved else []),
    ]
    account = Account(id)
    for fact in facts:
        account = apply(account, fact)
    place.accounts.save(Account(id), next_version(Account(id), account, POLICY, now))


@pytest.mark.parametrize("stranger", ["acc_a", "acc_z"])
def test_an_address_is_known_as_the_account_that_proved_it(stranger: str) -> None:
    place = FakeServices()
    customer_at_stripe(place, stranger, is_proved=False)
    customer_at_stripe(place, "acc_m", is_proved=True)
    found = owner_of(EMAIL, place.services)
    assert found is not None
    assert found.id == "acc_m"
