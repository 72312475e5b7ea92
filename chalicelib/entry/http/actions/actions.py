"""API endpoints that change a subscription, and grants. An Idempotency-Key makes sure that each
change is made once.
"""

from collections.abc import Mapping

from chalice.app import Blueprint, Response

from chalicelib.domain.billing.plan_requests import PlanRequest
from chalicelib.domain.bounds import most
from chalicelib.domain.errors import (
    AccountNotFound,
    AlreadySubscribed,
    BillhookError,
    CardDeclined,
    ConfirmationRequired,
    IdempotencyConflict,
    InvalidInput,
    NoSubscription,
    NotPossible,
    PaymentFailed,
    Refused,
    StripeRefused,
    SubscriptionEnded,
    TooMany,
)
from chalicelib.domain.policy.reasons import CANCELLATION_REASONS
from chalicelib.domain.policy.selling import PRORATE
from chalicelib.entry.http.accounts import INTERVAL, PLAN, QUANTITY
from chalicelib.entry.http.actions.messages import (
    idempotent_request,
    reactivated_response,
    standing_response,
)
from chalicelib.entry.http.endpoint import CheckedRequest, Endpoint, serve
from chalicelib.entry.http.schemas import response_schemas
from chalicelib.entry.http.schemas.request import (
    Field,
    Schema,
    line,
    matching,
    one_of,
    timestamp,
)
from chalicelib.runtime import wiring
from chalicelib.usecases.billing import actions

bp = Blueprint(__name__)

ANY_ACTION: tuple[type[BillhookError], ...] = (
    AccountNotFound,
    InvalidInput,
    IdempotencyConflict,
    TooMany,
)
"""The errors of every action."""

REFUSALS = (Refused, StripeRefused)
"""The refusals of Stripe that every action may meet."""

PAYMENT_ERRORS = (CardDeclined, PaymentFailed, ConfirmationRequired)
"""The errors of actions that take money at once."""

ON_SUBSCRIPTION = (*ANY_ACTION, NoSubscription, SubscriptionEnded, NotPossible, *REFUSALS)
"""The errors of every action on a subscription."""


AUDITED = {
    "cancel": "subscription.canceled",
    "reactivate": "subscription.reactivated",
    "plan": "subscription.plan_changed",
    "trial": "trial.changed",
    "discount": "discount.given",
    "grants": "grants.given",
    "charges": "charge.made",
}
"""The last part of an action's path → what the audit log calls it."""


def action(
    name: str,
    help: str,
    body: tuple[Field, ...],
    answers: Mapping[int, Schema | None],
    errors: tuple[type[BillhookError], ...],
    idempotency: str = "optional",
) -> Endpoint:
    """The endpoint of an action on an account."""
    return Endpoint(
        "POST",
        f"/accounts/{{account_id}}/{name}",
        help,
        "write",
        body,
        (),
        answers,
        errors,
        idempotency,
        audit=AUDITED[name],
    )


STANDING: Mapping[int, Schema | None] = {200: response_schemas.STANDING}

CANCEL = (
    Field(
        "when",
        one_of(("period_end", "now")),
        "period_end: at the end of the paid period, or at once if there is none. now: at once,"
        " without a refund.",
        required=True,
        example="period_end",
    ),
    Field(
        "reason",
        one_of(CANCELLATION_REASONS),
        " ".join(f"{reason}: {meaning}" for reason, meaning in CANCELLATION_REASONS.items()),
        example="too_expensive",
    ),
    Field(
        "comment",
        line(most("comment")),
        "The customer's comment.",
        example="We have closed the shop.",
    ),
    Field(
        "subscription",
        line(255),
        "The id of the subscription to cancel, if the account has several: by default the current"
        " one.",
    ),
)


@serve(bp, action("cancel", "Cancel the subscription.", CANCEL, STANDING, ON_SUBSCRIPTION))
def cancel(account_id: str, request: CheckedRequest) -> Response:
    """The standing after the cancellation. A second cancellation changes nothing."""
    body = request.body
    return standing_response(
        actions.cancel(
            account_id,
            idempotent_request("cancel", request),
            body["when"],
            body["reason"],
            body["comment"],
            wiring.services(),
            body["subscription"] or None,
        )
    )


@serve(
    bp,
    action(
        "reactivate",
        "Reactivate the subscription: undo a scheduled cancellation, or end a pause and pay what is"
        " open. Otherwise returns the URL of a Stripe Checkout page.",
        (),
        {200: response_schemas.REACTIVATED, 202: response_schemas.WAITING},
        (
            *ANY_ACTION,
            AlreadySubscribed,
            NoSubscription,
            NotPossible,
            *PAYMENT_ERRORS,
            *REFUSALS,
        ),
    ),
)
def reactivate(account_id: str, request: CheckedRequest) -> Response:
    """{action, url?}."""
    return reactivated_response(
        actions.reactivate(
            account_id,
            idempotent_request("reactivate", request),
            wiring.links().checkout_urls,
            wiring.services(),
        )
    )


PLAN_CHANGE = (
    Field("plan", PLAN.kind, PLAN.help, required=True, example="scale"),
    Field(
        "interval",
        INTERVAL.kind,
        f"{INTERVAL.help} Unchanged if left out. Another interval starts a new period.",
        example="year",
    ),
    Field("quantity", QUANTITY.kind, f"{QUANTITY.help} Unchanged if left out.", example=5),
    Field(
        "prorate",
        one_of(PRORATE),
        " ".join(f"{name}: {meaning}" for name, meaning in PRORATE.items()) + " Default: now.",
        example="now",
    ),
)


@serve(
    bp,
    action(
        "plan",
        "Change plan, interval or quantity. If the card is declined, nothing changes. If the bank"
        " wants the payment confirmed, the change is made once the customer has confirmed it.",
        PLAN_CHANGE,
        {**STANDING, 202: response_schemas.WAITING},
        (*ON_SUBSCRIPTION, *PAYMENT_ERRORS),
    ),
)
def change_plan(account_id: str, request: CheckedRequest) -> Response:
    """The standing after the change. Changing to the current plan does nothing."""
    body = request.body
    change = PlanRequest(body["plan"], body["interval"], body["quantity"], body["prorate"] or "now")
    return standing_response(
        actions.change_plan(
            account_id, idempotent_request("plan", request), change, wiring.services()
        )
    )


TRIAL = (
    Field(
        "ends_at",
        timestamp(),
        "The new end of the trial, at most 730 days ahead.",
        required=True,
        example="2026-04-01T09:00:00Z",
    ),
)


@serve(bp, action("trial", "Move the end of a running trial.", TRIAL, STANDING, ON_SUBSCRIPTION))
def move_trial_end(account_id: str, request: CheckedRequest) -> Response:
    """The standing after the change."""
    return standing_response(
        actions.move_trial_end(
            account_id,
            idempotent_request("trial", request),
            request.body["ends_at"],
            wiring.services(),
        )
    )


DISCOUNT = (
    Field(
        "coupon",
        matching(r"[A-Za-z0-9_-]{1,200}", "must be the id of a coupon at Stripe"),
        "The id of a coupon at Stripe.",
        required=True,
        example="LOYAL20",
    ),
)


@serve(
    bp,
    action(
        "discount",
        "Add a coupon's discount to the subscription, in addition to others. Adding one again"
        " changes nothing.",
        DISCOUNT,
        STANDING,
        ON_SUBSCRIPTION,
    ),
)
def give_discount(account_id: str, request: CheckedRequest) -> Response:
    """The standing after the change."""
    return standing_response(
        actions.give_discount(
            account_id,
            idempotent_request("discount", request),
            request.body["coupon"],
            wiring.services(),
        )
    )


GRANT = (
    Field(
        "until",
        timestamp(),
        "When the access ends.",
        required=True,
        example="2026-12-31T23:59:59Z",
    ),
    Field(
        "plan",
        PLAN.kind,
        f"{PLAN.help} If left out, the access has no plan's features.",
        example="pro",
    ),
    Field(
        "note",
        line(most("note")),
        "The reason, for your team.",
        required=True,
        example="Compensation for the outage",
    ),
)


@serve(bp, action("grants", "Give access by hand, without Stripe.", GRANT, STANDING, ANY_ACTION))
def grant(account_id: str, request: CheckedRequest) -> Response:
    """The standing with the grant."""
    body = request.body
    return standing_response(
        actions.grant(
            account_id,
            idempotent_request("grants", request),
            body["until"],
            body["plan"],
            body["note"],
            wiring.services(),
        )
    )
