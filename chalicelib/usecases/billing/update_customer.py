"""Give Stripe's customer what was changed of the profile here."""

from collections.abc import Sequence

from chalicelib.domain.account.facts import CustomerSnapshot, Fact
from chalicelib.domain.account.operations import PendingOperation
from chalicelib.domain.account.ordering import FromFetch
from chalicelib.domain.account.rules.profile import differs_at_stripe
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import Refused
from chalicelib.usecases.services import Services


def update_customer(
    account: Account, name: str, operation: PendingOperation, services: Services
) -> Sequence[Fact]:
    """Stripe's customer after the change; nothing if Stripe has all of it already.

    What Stripe refuses goes onto the timeline, is counted, and is not asked again: the account
    keeps the change. Raises Unavailable, OutcomeUnknown.
    """
    customer, values = account.origin_customer, differs_at_stripe(account)
    if customer is None or not values:
        return []
    source = FromFetch(services.clock.now().replace(microsecond=0), account.mark(customer.id))
    # The values are part of the key: a newer change may come before this one is repeated, and
    # Stripe refuses a key that is used for another call.
    changed_at = {field: account.profile_changes[field].at for field in values}
    marks = "-".join(f"{field}.{at.timestamp():.6f}" for field, at in sorted(changed_at.items()))
    key = f"{account.id}:{name}:{operation.generation}:{marks}"
    try:
        updated = services.stripe.customers.update(key, customer.id, values)
    except Refused as refused:
        services.metrics.count("ErrandsRefused", 1)
        data = {"fields": " ".join(sorted(values)), "failure": refused.code}
        entry = Entry(account.id, operation.since, "call", name, "profile.refused", data)
        services.stores.timeline.put([entry])
        return []
    return [CustomerSnapshot(updated, source, echo=True)]
