"""Tells this product's subscriptions from those to other products in the same Stripe account."""

from collections.abc import Mapping

from chalicelib.domain.account.fetch_requests import FetchRequest, everything_of
from chalicelib.domain.account.ordering import Tracked
from chalicelib.domain.account.queries import creation_order, plan_of
from chalicelib.domain.account.rules.invoices import without_other_invoices
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.values import replace

OTHERS_KEPT = 10
"""How many subscriptions to other products are kept of one account, the newest ones."""

PRICES_KEPT = 30
"""Beyond so many prices only the lookup keys of those in use are remembered."""


def with_ownership(account: Account, policy: Policy) -> Account:
    """The account with its subscriptions sorted into `subscriptions` and `others`.

    A subscription that turns out to be ours has everything of its customer fetched, because its
    invoices were not kept.
    """
    known = {**account.subscriptions, **account.others}
    ours = {id: one for id, one in known.items() if is_ours(account, one.value, policy)}
    others = _newest({id: one for id, one in known.items() if id not in ours})
    sorted_account = replace(
        account,
        subscriptions=ours,
        others=others,
        ours=tuple(sorted(ours)),
        price_keys=_bounded(account.price_keys, known),
    )
    if sorted_account == account:
        return account
    for id in account.others.keys() & ours.keys():
        for request in everything_of(ours[id].value.customer):
            sorted_account = sorted_account.with_fetch(request)
    for id in account.subscriptions.keys() - ours.keys():
        if account.subscriptions[id].value.currency is None:
            # Recorded by a release that did not read the metadata, which may make it ours.
            sorted_account = sorted_account.with_fetch(FetchRequest("subscription", id))
    return without_other_invoices(sorted_account)


def is_ours(account: Account, subscription: Subscription, policy: Policy) -> bool:
    """Whether the subscription is to this product: one of its items has a plan, or it was
    recognized before: when its price still had a plan, or by the account's proof in its metadata.
    The account's id alone proves nothing: other programs write there what somebody typed.
    """
    return subscription.id in account.ours or plan_of(account, subscription, policy)[0] is not None


def _bounded(
    price_keys: Mapping[str, tuple[str, ...]], known: Mapping[str, Tracked[Subscription]]
) -> Mapping[str, tuple[str, ...]]:
    if len(price_keys) <= PRICES_KEPT:
        return price_keys
    in_use = {item.price for one in known.values() for item in one.value.items}
    return {id: keys for id, keys in price_keys.items() if id in in_use}


def _newest(others: dict[str, Tracked[Subscription]]) -> dict[str, Tracked[Subscription]]:
    newest_last = sorted(others, key=lambda id: creation_order(others[id].value))
    return {id: others[id] for id in sorted(newest_last[-OTHERS_KEPT:])}
