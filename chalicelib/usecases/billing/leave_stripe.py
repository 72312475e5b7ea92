"""Leave Stripe with an account that is erased: no subscription of it goes on, and no Checkout."""

from chalicelib.domain.account.operations import pending
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import InvalidInput
from chalicelib.usecases.billing.completed_checkout import expire_sessions
from chalicelib.usecases.billing.start_trial import given_first
from chalicelib.usecases.services import Services


def customers_to_leave(account: Account, at_stripe: bool, services: Services) -> tuple[str, ...]:
    """Its customers that are not deleted. With `at_stripe` also those that Stripe may have created
    in an operation whose outcome could not be saved. Raises Unavailable, Refused.
    """
    known = {id for id, one in account.customers.items() if not one.value.deleted}
    email, _ = given_first(account)
    if at_stripe and email and pending(account.errands):
        known |= {
            one.id
            for one in services.stripe.customers.with_email(email)
            if services.made(one, account.id)
        }
    return tuple(sorted(known))


def leave_stripe(
    account: Account, customers: tuple[str, ...], at_stripe: bool, services: Services
) -> None:
    """Expire the open Checkout sessions, so that nobody pays for an account that is gone. With
    `at_stripe` also delete the customers, which ends their subscriptions at once.

    Raises InvalidInput where a subscription would still be charged, Unavailable, Refused.
    """
    charged = [
        id
        for id, known in sorted(account.subscriptions.items())
        if not known.value.final and known.value.customer in customers
    ]
    if charged and not at_stripe:
        raise InvalidInput(
            f"Subscription {', '.join(charged)} of account {account.id} has not ended, and would go"
            " on with nobody to look after it: cancel it at Stripe first, or erase at Stripe too"
            " (stripe=true, or --stripe of ops), which deletes the customer there and so ends"
            " it at once.",
            "stripe",
        )
    for customer in customers:
        if account.checkout and not account.checkout.closed:
            expire_sessions(account, customer, services)
        if at_stripe:
            services.stripe.customers.delete(customer)
