"""The product's calls that change what is paid for: each done once, and answered with what stands
after it.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.domain.billing.decisions import LARGEST_AMOUNT
from chalicelib.domain.billing.idempotency import Outcome
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
)
from chalicelib.domain.policy.selling import PRORATE, REASONS
from chalicelib.entry.http import response_schemas
from chalicelib.entry.http.accounts import INTERVAL, PLAN, QUANTITY
from chalicelib.entry.http.endpoint import Call, Given, serve
from chalicelib.entry.http.request_schema import (
    Field,
    Schema,
    line,
    matching,
    moment,
    one_of,
    whole,
)
from chalicelib.entry.http.responses import standing_shown
from chalicelib.runtime import links, wiring
from chalicelib.usecases.billing import actions
from chalicelib.usecases.billing.actions import IdempotentRequest

bp = Blueprint(__name__)

ANY: tuple[type[BillhookError], ...] = (AccountNotFound, InvalidInput, IdempotencyConflict)
ABOUT_SUBSCRIPTION = (*ANY, NoSubscription, SubscriptionEnded, NotPossible, Refused)


def action(
    name: str,
    help: str,
    body: tuple[Field, ...],
    answers: Mapping[int, Schema | None],
    errors: tuple[type[BillhookError], ...],
    idempotency: str = "optional",
) -> Call:
    """The declaration of a call that changes something."""
    return Call(
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
        "period_end: when what is paid for is over, at once if nothing is. now: at once, and"
        " nothing is paid back.",
        required=True,
        example="period_end",
    ),
    Field(
        "reason",
        one_of(REASONS),
        " ".join(f"{reason}: {meaning}" for reason, meaning in REASONS.items()),
        example="too_expensive",
    ),
    Field("comment", line(500), "In the customer's own words.", example="We have closed the shop."),
)


@serve(bp, action("cancel", "End the subscription.", CANCEL, STANDING, ABOUT_SUBSCRIPTION))
def cancel(account_id: str, given: Given) -> dict[str, Any]:
    """The standing; of one that is to end already the same."""
    body = given.body
    return _standing(
        actions.cancel(
            account_id,
            _asked("cancel", given),
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
        "Come back: a scheduled cancellation is undone, a pause ended and what it owes paid; else"
        " Stripe's page leads on.",
        (),
        {200: response_schemas.REACTIVATED},
        (*ANY, AlreadySubscribed, NoSubscription, NotPossible, CardDeclined, Refused),
    ),
)
def reactivate(account_id: str, given: Given) -> dict[str, Any]:
    """{action, url?}."""
    outcome = actions.reactivate(
        account_id, _asked("reactivate", given), links.checkout_urls, wiring.services()
    )
    return {"action": outcome.action} | ({"url": outcome.url} if outcome.url else {})


PLAN_CHANGE = (
    Field("plan", PLAN.kind, PLAN.help, required=True, example="scale"),
    Field(
        "interval",
        INTERVAL.kind,
        f"{INTERVAL.help} Left out it stays. Another one begins a new period.",
        example="year",
    ),
    Field("quantity", QUANTITY.kind, f"{QUANTITY.help} Left out it stays.", example=5),
    Field(
        "prorate",
        one_of(PRORATE),
        " ".join(f"{name}: {meaning}" for name, meaning in PRORATE.items()) + " Left out: now.",
        example="now",
    ),
)


@serve(
    bp,
    action(
        "plan",
        "Change plan, interval or quantity. A card that is declined changes nothing.",
        PLAN_CHANGE,
        STANDING,
        (*ABOUT_SUBSCRIPTION, CardDeclined),
    ),
)
def change_plan(account_id: str, given: Given) -> dict[str, Any]:
    """The standing; of one that is so already the same."""
    body = given.body
    wanted = (body["plan"], body["interval"], body["quantity"], body["prorate"] or "now")
    return _standing(
        actions.change_plan(account_id, _asked("plan", given), *wanted, wiring.services())
    )


TRIAL = (
    Field(
        "ends_at",
        moment(),
        "When the trial is to end, at most 730 days ahead.",
        required=True,
        example="2026-04-01T09:00:00Z",
    ),
)


@serve(bp, action("trial", "Move the end of a running trial.", TRIAL, STANDING, ABOUT_SUBSCRIPTION))
def move_trial_end(account_id: str, given: Given) -> dict[str, Any]:
    """The standing."""
    return _standing(
        actions.move_trial_end(
            account_id, _asked("trial", given), given.body["ends_at"], wiring.services()
        )
    )


DISCOUNT = (
    Field(
        "coupon",
        matching(r"[A-Za-z0-9_-]{1,200}", "must be the id of a coupon at Stripe"),
        "A coupon's id.",
        required=True,
        example="LOYAL20",
    ),
)


@serve(
    bp,
    action(
        "discount",
        "Give a coupon's discount, beside those there are; one that is given already stays.",
        DISCOUNT,
        STANDING,
        ABOUT_SUBSCRIPTION,
    ),
)
def give_discount(account_id: str, given: Given) -> dict[str, Any]:
    """The standing."""
    return _standing(
        actions.give_discount(
            account_id, _asked("discount", given), given.body["coupon"], wiring.services()
        )
    )


CHARGE = (
    Field(
        "amount",
        whole(1, LARGEST_AMOUNT),
        "In minor units of the currency: cents, but whole yen.",
        required=True,
        example=1500,
    ),
    Field(
        "currency",
        matching("[a-z]{3}", "must be a currency in three small letters"),
        "The one that the customer is billed in.",
        required=True,
        example="usd",
    ),
    Field(
        "description",
        line(500),
        "What the customer reads on the invoice.",
        required=True,
        example="Import of your archive",
    ),
    Field(
        "bill",
        one_of(("next_invoice", "now")),
        "now makes an invoice of its own and tries the card on file. Left out: next_invoice.",
        example="now",
    ),
)


@serve(
    bp,
    action(
        "charges",
        "Charge an amount beside the subscription, to the cent: no coupon applies. What is billed"
        " now and declined is withdrawn.",
        CHARGE,
        {201: response_schemas.CHARGE},
        (*ABOUT_SUBSCRIPTION, NoCard, CardDeclined),
        "required",
    ),
)
def charge(account_id: str, given: Given) -> Response:
    """201 {charge_id, amount, currency, description, bill, status, invoice?}."""
    body = given.body
    bill = body["bill"] or "next_invoice"
    outcome = actions.charge(
        account_id,
        _asked("charges", given),
        body["amount"],
        body["currency"],
        body["description"],
        bill,
        wiring.services(),
    )
    assert outcome.charged
    made, invoice = outcome.charged.charge, outcome.charged.invoice
    shown = {
        "charge_id": made.id,
        "amount": made.amount,
        "currency": made.currency,
        "description": made.description,
        "bill": made.bill,
    }
    return Response(
        shown | {"status": outcome.charged.status} | ({"invoice": invoice} if invoice else {}),
        status_code=201,
    )


GRANT = (
    Field("until", moment(), "When it ends.", required=True, example="2026-12-31T23:59:59Z"),
    Field(
        "plan", PLAN.kind, f"{PLAN.help} Left out: access without a plan's features.", example="pro"
    ),
    Field(
        "note",
        line(500),
        "Why, for who reads it later.",
        required=True,
        example="Compensation for the outage",
    ),
)


@serve(bp, action("grants", "Give access by hand, without Stripe.", GRANT, STANDING, ANY))
def grant(account_id: str, given: Given) -> dict[str, Any]:
    """The standing."""
    body = given.body
    return _standing(
        actions.grant(
            account_id,
            _asked("grants", given),
            body["until"],
            body["plan"],
            body["note"],
            wiring.services(),
        )
    )


def _standing(outcome: Outcome) -> dict[str, Any]:
    return standing_shown(outcome.standing)


def _asked(name: str, given: Given) -> IdempotentRequest:
    """The same for the same call: a moment is the same in any zone, and a field that is left out
    the same as one that is null.
    """
    body = {field: value for field, value in given.body.items() if value is not None}
    text = json.dumps(body, sort_keys=True, default=lambda moment: moment.isoformat())
    return IdempotentRequest(f"{name} {hashlib.sha256(text.encode()).hexdigest()[:32]}", given.key)
