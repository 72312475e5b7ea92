"""The API endpoint that charges an amount beside the subscription."""

from chalice.app import Blueprint, Response

from chalicelib.domain.billing.decisions import LARGEST_AMOUNT
from chalicelib.domain.bounds import most
from chalicelib.domain.errors import NoCard
from chalicelib.entry.http.actions.actions import ON_SUBSCRIPTION, PAYMENT_ERRORS, action
from chalicelib.entry.http.actions.messages import charge_response, idempotent_request
from chalicelib.entry.http.endpoint import CheckedRequest, serve
from chalicelib.entry.http.schemas import response_schemas
from chalicelib.entry.http.schemas.request import Field, integer, line, matching, one_of
from chalicelib.runtime import wiring
from chalicelib.usecases.billing import actions

bp = Blueprint(__name__)

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
        " is declined, a charge billed now is canceled. While a bank debit is under way, or the"
        " bank wants the payment confirmed, the answer is 202; the same call later tells what has"
        " become of it.",
        CHARGE,
        {201: response_schemas.CHARGE, 202: response_schemas.CHARGE},
        (*ON_SUBSCRIPTION, NoCard, *PAYMENT_ERRORS),
        "required",
    ),
)
def charge(account_id: str, request: CheckedRequest) -> Response:
    """201 {charge_id, amount, currency, description, bill, status, invoice?}; 202 while its payment
    is open.
    """
    body = request.body
    return charge_response(
        actions.charge(
            account_id,
            idempotent_request("charges", request),
            body["amount"],
            body["currency"],
            body["description"],
            body["bill"] or "next_invoice",
            wiring.services(),
        )
    )
