"""Domain events: the changes of an account that others receive."""

from dataclasses import dataclass
from datetime import datetime

TYPES = {
    "account.created": "Billhook knows of a customer for the first time.",
    "trial.started": "A free trial began.",
    "trial.extended": "A running trial ends later than it did.",
    "trial.shortened": "A running trial ends earlier than it did.",
    "trial.converted": "A trial became a paying subscription.",
    "trial.expired": "A trial ended and was not paid for.",
    "access.granted": "The account has full access, which it had not.",
    "access.limited": "The account has limited access, and had another.",
    "access.revoked": "The account has no access any more.",
    "plan.changed": "The account is on another plan.",
    "quantity.changed": "The account has another number of seats.",
    "subscription.canceling": "A cancellation was scheduled.",
    "subscription.uncanceled": "A scheduled cancellation was withdrawn.",
    "subscription.canceled": "The subscription has ended.",
    "subscription.paused": "The subscription was paused.",
    "subscription.resumed": "A paused subscription runs again.",
    "payment.failed": "A payment was tried and failed.",
    "payment.disputed": "A customer disputes a payment with the bank; lifecycle mail stops.",
    "payment.succeeded": "An invoice of more than nothing was paid.",
    "contract.withdrawn": (
        "The customer withdrew from the contract; what was paid is on its way back."
    ),
    "grant.given": "Access was given by hand.",
    "feedback.given": (
        "The customer said why the trial or the subscription was left, or changed what was said."
    ),
}
"""Every type of happening there is, with what it means."""


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """One change. `id` is made of account, epoch, version, type and, where it is about one, the
    object's id, so that a repeat is the same id with the same body. `data` is flat.
    """

    id: str
    type: str
    at: datetime
    data: dict[str, str | int | None]
