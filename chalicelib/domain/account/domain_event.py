"""Domain events: the changes of an account that the timeline, the digest and the team receive."""

from dataclasses import dataclass
from datetime import datetime

TYPES = {
    "account.created": "Billhook has a new account.",
    "account.updated": "The customer's address, name, time zone or language changed.",
    "trial.started": "A free trial began.",
    "trial.extended": "The end of a running trial was moved to a later time.",
    "trial.shortened": "The end of a running trial was moved to an earlier time.",
    "trial.converted": "A trial became a paying subscription.",
    "trial.expired": "A trial ended without a payment.",
    "access.granted": "The account has full access, which it did not have before.",
    "access.limited": "The account has limited access, and had another level before.",
    "access.revoked": "The account no longer has access.",
    "plan.changed": "The account is on another plan.",
    "quantity.changed": "The account has another number of seats.",
    "subscription.canceling": "A cancellation was scheduled.",
    "subscription.uncanceled": "A scheduled cancellation was revoked.",
    "subscription.canceled": "The subscription has ended.",
    "subscription.duplicated": "A second subscription is paid beside another one.",
    "subscription.paused": "The subscription was paused.",
    "subscription.resumed": "A paused subscription runs again.",
    "payment.failed": "A payment was attempted and failed.",
    "payment.disputed": "A customer disputes a payment with the bank; lifecycle mail stops.",
    "payment.charged_back": "A dispute is lost: the bank took the payment of an invoice back.",
    "payment.succeeded": "An invoice of more than 0 was paid.",
    "contract.withdrawn": "The customer withdrew from the contract; the refund is under way.",
    "grant.given": "An operator granted access.",
    "notice.complained": "The customer reported a billing notice as spam.",
    "feedback.given": "The customer gave, or changed, the reason for not staying.",
}
"""Every type of domain event, with its meaning."""


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """One change. `id` is made of account, epoch, version, type and, where there is one, the id of
    the object that it concerns; so a repeat has the same id and the same body. `data` is flat.
    """

    id: str
    type: str
    at: datetime
    data: dict[str, str | int | None]
