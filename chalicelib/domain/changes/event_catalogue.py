"""The catalogue of domain events: every type that goes to the outside, with its meaning, its fields
and an example.

docs/events.md and the `webhooks` of /openapi.json are made of it. Receivers rely on it: a type or a
field may be added, and none is changed or removed (tests/golden).
"""

from collections.abc import Mapping

from chalicelib.domain.account.domain_event import EventData
from chalicelib.values import frozen

Schema = dict[str, object]

_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_AMOUNT: Schema = {"type": "integer"}
_TIME: Schema = {"type": "string", "format": "date-time"}


@frozen
class EventField:
    """A field of `data`: its JSON Schema, what it means, and a value as an example."""

    schema: Schema
    meaning: str
    example: str | int


@frozen
class EventType:
    """What an event of the type means, and the fields that it has in `data` beside the common ones.
    Those in `optional` are left out where there is no value.
    """

    meaning: str
    fields: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def example(self) -> EventData:
        """The fields of an example."""
        return {name: FIELDS[name].example for name in self.fields}


FIELDS: Mapping[str, EventField] = {
    "access_before": EventField(
        {"enum": ["none", "limited", "full"]}, "The access before the change.", "none"
    ),
    "action": EventField(
        _TEXT, "What is asked: `create`, `suspend`, `resume` or `delete`.", "create"
    ),
    "amount": EventField(_AMOUNT, "What is gone, in minor units of its currency.", 4900),
    "amount_due": EventField(
        _AMOUNT, "What the invoice asks for, in minor units of its currency.", 4900
    ),
    "amount_paid": EventField(_AMOUNT, "What was paid, in minor units of its currency.", 4900),
    "answer": EventField(
        _TEXT, "The reason that the customer chose, one of those to cancel.", "too_expensive"
    ),
    "attempt_count": EventField(_COUNT, "How often the payment was attempted.", 1),
    "by": EventField(
        _TEXT, "Who changed it: words such as `product`, `customer` or `stripe`.", "product"
    ),
    "cancels_at": EventField(
        _TIME, "When the subscription ends, if that is scheduled.", "2026-04-02T09:00:00Z"
    ),
    "changed": EventField(_TEXT, "The names of what changed, with spaces between.", "email name"),
    "comment": EventField(
        _TEXT, "What the customer wrote, 500 characters at most.", "We build it ourselves now."
    ),
    "complained_at": EventField(_TIME, "When the complaint was made.", "2026-03-02T09:00:00Z"),
    "currency": EventField(
        _TEXT, "The invoice's currency, as a code of ISO 4217 in small letters.", "usd"
    ),
    "deadline": EventField(_TIME, "By when it was to be done.", "2026-11-27T15:52:03Z"),
    "dispute": EventField(_TEXT, "The dispute's id at Stripe.", "dp_1"),
    "error": EventField(_TEXT, "Stripe's code for what went wrong.", "customer_tax_location"),
    "granted_until": EventField(
        _TIME, "The end of the access that was given.", "2026-04-02T09:00:00Z"
    ),
    "invoice": EventField(_TEXT, "The invoice's id at Stripe.", "in_1"),
    "message": EventField(
        _TEXT, "The step of billing.toml whose message it is about.", "payment_failed"
    ),
    "milestone": EventField(_TEXT, "The milestone, as billing.toml names it.", "connected_data"),
    "next_payment_attempt": EventField(
        _TIME, "When Stripe tries again, if it does.", "2026-03-05T09:00:00Z"
    ),
    "note": EventField(
        _TEXT, "What the operator noted, 500 characters at most.", "A month for the outage."
    ),
    "number": EventField(_COUNT, "How many subscriptions are charged for.", 2),
    "occasion": EventField(_TEXT, "What the answer is about.", "canceled@sub_9"),
    "plan": EventField(_TEXT, "The plan, as billing.toml names it.", "pro"),
    "plan_before": EventField(_TEXT, "The plan before the change.", "solo"),
    "quantity": EventField(_COUNT, "The quantity, such as the number of seats.", 1),
    "reached_at": EventField(
        _TIME,
        "When it was reached: earlier than the event, if the report says so.",
        "2026-11-27T14:51:00Z",
    ),
    "reason_before": EventField(_TEXT, "The reason for the access before.", "no_subscription"),
    "reported_by": EventField(
        _TEXT, "Who reported it: `product`, `intercom` or `segment`.", "product"
    ),
    "status": EventField(
        _TEXT, "The status: of the subscription, or of the dispute, as Stripe has it.", "active"
    ),
    "request_id": EventField(
        _TEXT, "The id of what was asked of the provisioner.", "acc_1.0.2.create"
    ),
    "subscription": EventField(_TEXT, "The subscription's id at Stripe.", "sub_9"),
    "trial_end": EventField(_TIME, "When the trial ends.", "2026-12-11T14:52:03Z"),
    "until": EventField(
        _TIME, "When the access changes by the clock alone.", "2026-04-02T09:00:00Z"
    ),
    "url": EventField(_TEXT, "Where the instance is.", "https://acc-1.acme.app"),
    "url_before": EventField(_TEXT, "Where the instance was.", "https://eu-1.acme.app/acc-1"),
    "withdrawn_at": EventField(_TIME, "When the customer withdrew.", "2026-03-02T09:00:00Z"),
}
"""Every field that `data` can have beside the common ones, by its name."""


def _standing(meaning: str) -> EventType:
    optional = ("plan", "quantity", "until", "access_before", "reason_before", "plan_before")
    return EventType(meaning, ("status", *optional), optional)


def _trial(meaning: str) -> EventType:
    return EventType(meaning, ("subscription", "trial_end"), ("subscription",))


def _subscription(meaning: str) -> EventType:
    return EventType(meaning, ("subscription", "status", "cancels_at"), ("cancels_at",))


def _payment(meaning: str, *more: str) -> EventType:
    fields = ("invoice", "subscription", "amount_due", "amount_paid", "currency", "attempt_count")
    optional = ("subscription", "currency", "next_payment_attempt")
    return EventType(meaning, (*fields, "next_payment_attempt", *more), optional)


def _instance(meaning: str) -> EventType:
    return EventType(meaning, ("url", "request_id"), ("url", "request_id"))


CATALOGUE: Mapping[str, EventType] = {
    "account.created": _standing("Billhook has a new account."),
    "account.updated": EventType(
        "The customer's address, name, time zone or language changed.", ("changed", "by")
    ),
    "trial.started": _trial("A free trial began."),
    "trial.extended": _trial("The end of a running trial was moved to a later time."),
    "trial.shortened": _trial("The end of a running trial was moved to an earlier time."),
    "trial.converted": _trial("A trial became a paying subscription."),
    "trial.expired": _standing("A trial ended without a payment."),
    "access.granted": _standing("The account has full access, which it did not have before."),
    "access.limited": _standing("The account has limited access, and had another level before."),
    "access.revoked": _standing("The account no longer has access."),
    "plan.changed": _standing("The account is on another plan."),
    "quantity.changed": _standing("The account has another number of seats."),
    "subscription.canceling": _subscription("A cancellation was scheduled."),
    "subscription.uncanceled": _subscription("A scheduled cancellation was revoked."),
    "subscription.canceled": _subscription("The subscription has ended."),
    "subscription.duplicated": EventType(
        "A second subscription is paid beside another one.", ("subscription", "status", "number")
    ),
    "subscription.paused": _subscription("The subscription was paused."),
    "subscription.resumed": _subscription("A paused subscription runs again."),
    "payment.failed": _payment("A payment was attempted and failed."),
    "payment.disputed": EventType(
        "A customer disputes a payment with the bank; lifecycle mail stops.", ("dispute", "status")
    ),
    "payment.charged_back": EventType(
        "A dispute is lost: the bank took the payment of an invoice back.",
        ("invoice", "amount", "currency"),
        ("amount", "currency"),
    ),
    "payment.succeeded": _payment("An invoice of more than 0 was paid."),
    "invoice.finalization_failed": _payment(
        "Stripe could not finalize an invoice, so nobody is asked to pay it.", "error"
    ),
    "contract.withdrawn": EventType(
        "The customer withdrew from the contract; the refund is under way.", ("withdrawn_at",)
    ),
    "grant.given": EventType(
        "An operator granted access.", ("granted_until", "plan", "note"), ("plan", "note")
    ),
    "milestone.reached": EventType(
        "The customer reached a milestone of billing.toml, for the first time.",
        ("milestone", "reached_at", "reported_by"),
    ),
    "notice.complained": EventType(
        "The customer reported a billing notice as spam.", ("message", "complained_at")
    ),
    "feedback.given": EventType(
        "The customer gave, or changed, the reason for not staying.",
        ("occasion", "answer", "comment"),
        ("comment",),
    ),
    "instance.ready": _instance("The customer's instance of the product can be used."),
    "instance.suspended": _instance("The customer's instance was suspended."),
    "instance.resumed": _instance("A suspended instance can be used again."),
    "instance.deleted": _instance("The customer's instance was deleted."),
    "instance.url_changed": EventType(
        "The customer's instance is at another URL, and in the same state as before.",
        ("url", "url_before", "request_id"),
        ("request_id",),
    ),
    "instance.stalled": EventType(
        "The provisioner did not do by the deadline what was asked for an instance. It may still"
        " report that it did.",
        ("action", "request_id", "deadline"),
    ),
}
"""Every type of domain event."""
