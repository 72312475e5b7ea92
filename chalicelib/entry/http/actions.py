"""API endpoints that change what a customer pays for. An Idempotency-Key makes sure that each is
done once.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.domain.billing.decisions import LARGEST_AMOUNT
from chalicelib.domain.billing.idempotency import Outcome
from chalicelib.domain.billing.plan_requests import PlanRequest
from chalicelib.domain.bounds import most
from chalicelib.domain.errors import (
    AccountNotFound,
    AlreadySubscribed,
    BillhookError,
    CardDeclined,
    IdempotencyConflict,
    InvalidInput,
    NoCard,
    NoSubscription,
    NotPossible,
    Refused,
    SubscriptionEnded,
    TooMany,
)
from chalicelib.domain.policy.reasons import CANCELLATION_REASONS
from chalicelib.domain.policy.selling import PRORATE
from chalicelib.entry.http import response_schemas
from chalicelib.entry.http.accounts import INTERVAL, PLAN, QUANTITY
from chalicelib.entry.http.endpoint import CheckedRequest, Endpoint, serve
from chalicelib.entry.http.request_schema import (
    Field,
    Schema,
    integer,
    line,
    matching,
    one_of,
    timestamp,
)
from chalicelib.entry.http.responses import standing_json
from chalicelib.runtime import wiring
from chalicelib.usecases.billing import actions
from chalicelib.usecases.billing.actions import IdempotentRequest

bp = Blueprint(__name__)

ANY_ACTION: tuple[type[BillhookError], ...] = (
    AccountNotFound,
    InvalidInput,
    IdempotencyConflict,
    TooMany,
)
"""The errors of every action."""

ON_SUBSCRIPTION = (*ANY_ACTION, NoSubscription, SubscriptionEnded, NotPossible, Refused)
"""The errors of every action on a subscription."""


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
)


@serve(bp, action("cancel", "Cancel the subscription.", CANCEL, STANDING, ON_SUBSCRIPTION))
def cancel(account_id: str, request: CheckedRequest) -> dict[str, Any]:
    """The standing after the cancellation. A second cancellation changes nothing."""
    body = request.body
    return _standing(
        actions.cancel(
            account_id,
            _idempotent("cancel", request),
            body["when"],
            body["reason"],
            body["comment"],
            wiring.services(),
        )
    )


@serve(
    bp,
    action(
        "reactivate",
        "Reactivate the subscription: undo a scheduled cancellation, or end a pause and pay what is"
        " open. Otherwise returns the URL of a Stripe Checkout page.",
        (),
        {200: response_schemas.REACTIVATED},
        (*ANY_ACTION, AlreadySubscribed, NoSubscription, NotPossible, CardDeclined, Refused),
    ),
)
def reactivate(account_id: str, request: CheckedRequest) -> dict[str, Any]:
    """{action, url?}."""
    outcome = actions.reactivate(
        account_id,
        _idempotent("reactivate", request),
        wiring.links().checkout_urls,
        wiring.services(),
    )
    return {"action": outcome.action} | ({"url": outcome.url} if outcome.url else {})


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
        "Change plan, interval or quantity. If the card is declined, nothing changes.",
        PLAN_CHANGE,
        STANDING,
        (*ON_SUBSCRIPTION, CardDeclined),
    ),
)
def change_plan(account_id: str, request: CheckedRequest) -> dict[str, Any]:
    """The standing after the change. Changing to the current plan does nothing."""
    body = request.body
    change = PlanRequest(body["plan"], body["interval"], body["quantity"], body["prorate"] or "now")
    return _standing(
        actions.change_plan(account_id, _idempotent("plan", request), change, wiring.services())
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
def move_trial_end(account_id: str, request: CheckedRequest) -> dict[str, Any]:
    """The standing after the change."""
    return _standing(
        actions.move_trial_end(
            account_id, _idempotent("trial", request), request.body["ends_at"], wiring.services()
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
def give_discount(account_id: str, request: CheckedRequest) -> dict[str, Any]:
    """The standing after the change."""
    return _standing(
        actions.give_discount(
            account_id, _idempotent("discount", request), request.body["coupon"], wiring.services()
        )
    )


CHARGE = (
    Field(
        "amount",
        integer(1, LARGEST_AMOUNT),
        "In minor units of the currency: cents for usd, whole yen for jpy.",
        required=True,
        example=1500,
    ),
    Field(
        "currency",
        matching("[a-z]{3}", "must be a currency code of three lower-case letters"),
        "The currency that the customer is billed in.",
        required=True,
        example="usd",
    ),
    Field(
        "description",
        line(most("description")),
        "The text on the customer's invoice.",
        required=True,
        example="Import of your archive",
    ),
    Field(
        "bill",
        one_of(("next_invoice", "now")),
        "next_invoice: on the next invoice of the subscription. now: on a separate invoice, charged"
        " to the card on file at once. Default: next_invoice.",
        example="now",
    ),
)


@serve(
    bp,
    action(
        "charges",
        "Charge an exact amount in addition to the subscription. Coupons do not apply. If the card"
        " is declined, a charge billed now is canceled.",
        CHARGE,
        {201: response_schemas.CHARGE},
        (*ON_SUBSCRIPTION, NoCard, CardDeclined),
        "required",
    ),
)
def charge(account_id: str, request: CheckedRequest) -> Response:
    """201 {charge_id, amount, currency, description, bill, status, invoice?}."""
    body = request.body
    bill = body["bill"] or "next_invoice"
    outcome = actions.charge(
        account_id,
        _idempotent("charges", request),
        body["amount"],
        body["currency"],
        body["description"],
        bill,
        wiring.services(),
    )
    assert outcome.charged
    charged, invoice = outcome.charged.charge, outcome.charged.invoice
    content = {
        "charge_id": charged.id,
        "amount": charged.amount,
        "currency": charged.currency,
        "description": charged.description,
        "bill": charged.bill,
        "status": outcome.charged.status,
    }
    return Response(content | ({"invoice": invoice} if invoice else {}), status_code=201)


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
def grant(account_id: str, request: CheckedRequest) -> dict[str, Any]:
    """The standing with the grant."""
    body = request.body
    return _standing(
        actions.grant(
            account_id,
            _idempotent("grants", request),
            body["until"],
            body["plan"],
            body["note"],
            wiring.services(),
        )
    )


def _standing(outcome: Outcome) -> dict[str, Any]:
    return standing_json(outcome.standing)


def _idempotent(name: str, request: CheckedRequest) -> IdempotentRequest:
    """The request with a fingerprint of its input. Equal inputs have equal fingerprints: the zone
    of a time does not matter, and a field left out equals null.
    """
    body = {field: value for field, value in request.body.items() if value is not None}
    text = json.dumps(body, sort_keys=True, default=lambda time: time.isoformat())
    return IdempotentRequest(
        f"{name} {hashlib.sha256(text.encode()).hexdigest()[:32]}", request.key
    )
