"""The conditions of a step (`if` and `unless`), checked on the present state of an account."""

from chalicelib.domain.account.payments import unpaid_invoices
from chalicelib.domain.account.queries import current_subscription, has_card
from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.occasions import Occasion, subscription_of
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Subscription


def holds(condition: str, account: Account, occasion: Occasion, policy: Policy) -> bool:
    """Whether a condition of `sequences.CONDITIONS` is true."""
    kind, _, name = condition.partition(":")
    standing = account.standing
    match kind:
        case "card" | "no_card":
            subscription = subscription_of(account, occasion) or current_subscription(account)
            return has_card(account, subscription) is (kind == "card")
        case "access":
            return standing is not None and standing.access == "full"
        case "no_access":
            return standing is None or standing.access == "none"
        case "milestone":
            return name in account.milestones
        case "plan":
            return standing is not None and standing.plan == name
        case "reason":
            left = account.subscriptions.get(occasion.about)
            return left is not None and why_left(left.value) == name
        case "unpaid":
            return bool(unpaid_invoices(account))
        case "bank_asks":
            return occasion.about in account.invoices and account.invoices[occasion.about].bank_asks
        case "last_try":
            billed = account.invoices.get(occasion.about)
            return (
                billed is not None and billed.value.attempt_count + 1 >= policy.access.payment_tries
            )
        case _:
            return account.signup is not None and account.signup.source == name


def why_left(one: Subscription) -> str:
    """The reason of a cancellation, one of reasons.END_REASONS: the customer's, else Stripe's."""
    details = one.cancellation_details
    return (details and (details.feedback or details.reason)) or "cancellation_requested"
