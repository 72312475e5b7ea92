"""Customer balances: negative is credit for the customer's next invoices, positive is owed with the
next one. Each change is a transaction.
"""

from typing import Any

import stripe

from local.stripe_sim.api.object_shapes import Object
from local.stripe_sim.lifecycle.store import Store


def move(
    store: Store, customer: Object, amount: int, type: str, currency: str, **more: Any
) -> Object:
    """Add an amount to a balance, with the transaction that tells why."""
    with store.changing(customer, "customer.updated", extra=True):
        customer["balance"] = (customer["balance"] or 0) + amount
        customer["currency"] = customer["currency"] or currency
    return store.make(
        "customer_balance_transaction",
        stripe.CustomerBalanceTransaction,
        amount=amount,
        currency=currency,
        customer=customer["id"],
        ending_balance=customer["balance"],
        type=type,
        **more,
    )


def balance_in(customer: Object, currency: str) -> int:
    """What a customer has or owes in a currency; the balance is in the customer's own."""
    return int(customer["balance"] or 0) if customer["currency"] in (None, currency) else 0
