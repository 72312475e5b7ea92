"""The conditions of a step (`if` and `unless`), checked on the present state of an account."""

from collections.abc import Callable, Mapping

from chalicelib.domain.account.payments import unpaid_invoices, was_debit
from chalicelib.domain.account.queries import current_subscription, has_card
from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.occasions import Occasion, subscription_of
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Subscription


def holds(condition: str, account: Account, occasion: Occasion, policy: Policy) -> bool:
    """Whether a condition of `sequences.CONDITIONS` is true."""
    kind, _, name = condition.partition(":")
    return _RULES[kind](account, occasion, policy, name)


def _has_card(account: Account, occasion: Occasion, policy: Policy, name: str) -> bool:
    subscription = subscription_of(account, occasion) or current_subscription(account)
    return has_card(account, subscription)


def _sends_invoices(account: Account, occasion: Occasion, policy: Policy, name: str) -> bool:
    subscription = subscription_of(account, occasion) or current_subscription(account)
    return subscription is not None and subscription.send_invoice


def _reason_is(account: Account, occasion: Occasion, policy: Policy, name: str) -> bool:
    left = account.subscriptions.get(occasion.about)
    return left is not None and why_left(left.value) == name


def _bank_asks(account: Account, occasion: Occasion, policy: Policy, name: str) -> bool:
    return occasion.about in account.invoices and account.invoices[occasion.about].bank_asks


def _by_debit(account: Account, occasion: Occasion, policy: Policy, name: str) -> bool:
    billed = account.invoices.get(occasion.about)
    return billed is not None and was_debit(account, billed.value)


def _last_try(account: Account, occasion: Occasion, policy: Policy, name: str) -> bool:
    billed = account.invoices.get(occasion.about)
    return billed is not None and billed.value.attempt_count + 1 >= policy.access.payment_tries


_RULES: Mapping[str, Callable[[Account, Occasion, Policy, str], bool]] = {
    "card": _has_card,
    "no_card": lambda *of: not _has_card(*of),
    "sent_invoices": _sends_invoices,
    "access": lambda account, *_: (
        account.standing is not None and account.standing.access == "full"
    ),
    "no_access": lambda account, *_: account.standing is None or account.standing.access == "none",
    "milestone": lambda account, occasion, policy, name: name in account.milestones,
    "plan": lambda account, occasion, policy, name: (
        account.standing is not None and account.standing.plan == name
    ),
    "reason": _reason_is,
    "unpaid": lambda account, *_: bool(unpaid_invoices(account)),
    "bank_asks": _bank_asks,
    "debit": _by_debit,
    "last_try": _last_try,
    "source": lambda account, occasion, policy, name: (
        account.signup is not None and account.signup.source == name
    ),
}


def why_left(one: Subscription) -> str:
    """The reason of a cancellation, one of reasons.END_REASONS: the customer's, else Stripe's."""
    details = one.cancellation_details
    return (details and (details.feedback or details.reason)) or "cancellation_requested"
