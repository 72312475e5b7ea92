"""A subscription as Stripe holds it now, and what an operation on it shows."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime

from chalicelib.domain.account.cancellation import Refund
from chalicelib.domain.account.facts import Fact, SubscriptionSnapshot
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.operations import Change, Charged, Operation
from chalicelib.domain.account.ordering import FromFetch
from chalicelib.domain.account.queries import as_recognized
from chalicelib.domain.account.rules.ownership import is_ours
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.decisions import plan_item
from chalicelib.domain.billing.payments import OpenPayment
from chalicelib.domain.billing.selling import keeps_price
from chalicelib.domain.billing.stripe_requests import ChangedLine
from chalicelib.domain.errors import StripeRefused, Unreadable
from chalicelib.domain.stripe_objects.answers import SubscriptionAnswer
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.usecases.services import Services
from chalicelib.values import frozen

FETCHES_INVOICES = frozenset({"resume", "withdraw"})
"""The verbs that change invoices too, which then have to be fetched."""


@frozen
class Attempt:
    """One attempt at an operation, under the idempotency keys that begin with `key`. `look` says
    that it may have been done under another key. `name` and `since` identify the operation on the
    timeline.
    """

    key: str
    look: bool
    name: str
    since: datetime


@frozen
class OperationResult:
    """What performing an operation showed of Stripe's objects, the state of its charge, and its
    payment if that is open. `refund` is what a withdrawal pays back, and `not_refunded` has
    Stripe's code for each charge that it does not refund, and each invoice that it does not void.
    """

    facts: Sequence[Fact] = ()
    charged: Charged | None = None
    payment: OpenPayment | None = None
    not_refunded: Mapping[str, str] = field(default_factory=dict)
    refund: Refund | None = None


@frozen
class LiveSubscription:
    """A subscription as Stripe holds it now: Stripe's `answer`, and the subscription itself. `by`
    marks what the account knew of it before. `recognized` has its items with the lookup keys that
    their prices had, to decide on.
    """

    answer: SubscriptionAnswer
    one: Subscription
    by: FromFetch
    recognized: Subscription

    def unchanged(self, operation: Operation) -> OperationResult:
        """The result of an operation that had been done already."""
        invoices = operation.verb in FETCHES_INVOICES
        asks = [FetchRequest("invoices", operation.customer)] if invoices else []
        return OperationResult([SubscriptionSnapshot(self.one, self.by), *asks])

    def changed(self, changed: Subscription, payment: OpenPayment | None = None) -> OperationResult:
        """The result of an operation that changed it."""
        return OperationResult([SubscriptionSnapshot(changed, self.by)], payment=payment)


def hold(account: Account, id: str, services: Services) -> LiveSubscription:
    """The subscription as Stripe holds it now. Raises Unavailable, Refused, Unreadable."""
    by = FromFetch(services.clock.now().replace(microsecond=0), account.mark(id))
    found = services.stripe.reader.subscription(id)
    if found is None:
        raise StripeRefused("Stripe does not know the account's subscription.")
    known = as_recognized(account, found.value, services.policy)
    return LiveSubscription(found, found.value, by, known)


def line_of(held: LiveSubscription, change: Change, services: Services) -> ChangedLine:
    """The subscription's line that a change is about. Raises NotPossible if that is not certain."""
    item = plan_item(held.recognized, services.policy)
    id = held.answer.line_ids[held.recognized.items.index(item)]
    return ChangedLine(id, keeps_price(item, change, services.policy))


def own_subscriptions(
    account: Account, customer: str, services: Services
) -> list[SubscriptionAnswer]:
    """The customer's subscriptions to this product, as Stripe lists them now. Raises Unavailable,
    Refused.
    """
    found = services.stripe.reader.subscriptions_of(customer)
    return [one for one in found if _is_own(account, one, services)]


def _is_own(account: Account, found: SubscriptionAnswer, services: Services) -> bool:
    """Whether a subscription is to this product. One that the account does not know yet is judged
    by its plan and the proof in its metadata; one that cannot be read, by the proof.
    """
    if found.id in account.subscriptions or found.id in account.ended:
        return True
    if found.id in account.others:
        return False
    if services.made(found, account.id):
        return True
    return not isinstance(found.state, Unreadable) and is_ours(
        account, found.state, services.policy
    )
