"""What the dashboard shows of a customer whose payment failed."""

from datetime import datetime
from typing import Any

from chalicelib.domain.account.payments import unpaid_invoices
from chalicelib.domain.account.queries import card_of, current_subscription
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.schedule.due_work import due_work
from chalicelib.localization.prices import spoken_method
from chalicelib.pages.admin.customer import ACCESS, row_of
from chalicelib.pages.admin.due_words import spoken_due


def payment_row(account: Account, policy: Policy, now: datetime) -> dict[str, Any]:
    """A customer whose payment failed: what is owed, why it failed, and what is tried next."""
    unpaid = sorted(unpaid_invoices(account), key=lambda one: one.created)
    card = card_of(account, current_subscription(account))
    attempts = [one.next_payment_attempt for one in unpaid if one.next_payment_attempt]
    due = due_work(account, policy, now)
    row = row_of(account, policy, now)
    return row | {
        "access": ACCESS[row["standing"].access].partition(":")[0],
        "owed": [(one.amount_remaining or one.amount_due, one.currency) for one in unpaid],
        "failure": next(
            (
                failure
                for one in reversed(unpaid)
                if (failure := account.payment_of(one.id).failure)
            ),
            "",
        ),
        "attempts": sum(one.attempt_count for one in unpaid),
        "next_attempt": min(attempts, default=None),
        "method": spoken_method(card) if card else "",
        "next_mail": next(
            ((item.at, spoken_due(item)) for item in due if item.what.startswith("send ")), None
        ),
    }
