"""API endpoints of accounts: access, details, timeline, milestones, and URLs of Stripe's pages."""

from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.links import is_opening_ended
from chalicelib.domain.account.queries import plan_of
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.pending_change import PendingChange
from chalicelib.domain.billing.plan_requests import PurchaseRequest
from chalicelib.domain.bounds import most
from chalicelib.domain.changes.event_document import iso_time
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import (
    AccountNotFound,
    AccountTaken,
    AlreadySubscribed,
    InvalidInput,
    Refused,
    StripeRefused,
    TooMany,
)
from chalicelib.domain.instances.shown import way_back
from chalicelib.domain.security.signup import with_ascii_domain
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.entry.http.endpoint import CheckedRequest, Endpoint, serve
from chalicelib.entry.http.instances import instance_json
from chalicelib.entry.http.responses import access_json, standing_json
from chalicelib.entry.http.schemas import response_schemas
from chalicelib.entry.http.schemas.request import (
    Field,
    integer,
    language_tag,
    line,
    one_of,
    time_zone,
    timestamp,
)
from chalicelib.entry.http.signups.form import EXTERNAL_ID, email_of
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.settings import settings
from chalicelib.usecases.accounts.erase import erase_now
from chalicelib.usecases.accounts.profile import change_external_id, change_profile
from chalicelib.usecases.accounts.record import record_milestone
from chalicelib.usecases.billing.checkout import open_checkout, open_portal
from chalicelib.usecases.billing.pending_changes import pending_changes
from chalicelib.usecases.reading import require_account
from chalicelib.values import replace

PLAN = Field("plan", line(64), "The id of a plan in billing.toml.", example="scale")
INTERVAL = Field(
    "interval",
    line(64),
    "The billing interval: day, week, month or year, if the plan is sold by it.",
    example="year",
)
CURRENCY = Field(
    "currency",
    line(3),
    "The currency of a purchase, if the plan is sold in it. A customer is billed in one currency.",
    example="eur",
)
QUANTITY = Field(
    "quantity", integer(1, 1_000_000), "The quantity, such as the number of seats.", example=5
)

EXTERNAL_ID_MEANS = "Your product's id of the customer. Only one account can have it."

bp = Blueprint(__name__)


@serve(
    bp,
    Endpoint(
        "GET",
        "/accounts/{account_id}/access",
        "What the account may use now.",
        "access",
        answers={200: response_schemas.ACCESS},
        errors=(AccountNotFound,),
    ),
)
def show_access(account_id: str, request: CheckedRequest) -> dict[str, Any]:
    """The account's access at this time. Costs one consistent read."""
    account = require_account(account_id, wiring.accounts())
    return access_json(account.id, standing(account, wiring.policy(), clock.now()))


@serve(
    bp,
    Endpoint(
        "GET",
        "/accounts/{account_id}",
        "The account with its standing and subscriptions.",
        "read",
        answers={200: response_schemas.ACCOUNT},
        errors=(AccountNotFound,),
    ),
)
def show_account(account_id: str, request: CheckedRequest) -> dict[str, Any]:
    """The account with its standing and subscriptions."""
    return _account(require_account(account_id, wiring.accounts()))


PROFILE = (
    # checked by email_of, because the policy decides which addresses are allowed
    Field(
        "email",
        line(320, format="email"),
        "The new address. It holds at once: mail goes there, and links in older mail end.",
        example="ada@example.com",
    ),
    Field("name", line(most("name")), "The customer's name.", example="Ada Byron"),
    Field(
        "timezone",
        time_zone(),
        "The customer's time zone, from the IANA database. Mail is timed by it.",
        example="Europe/Vienna",
    ),
    Field(
        "language",
        language_tag(),
        "The customer's language, as a language tag. Mail is in English where it does not exist in"
        " it.",
        example="de-AT",
    ),
)


@serve(
    bp,
    Endpoint(
        "PATCH",
        "/accounts/{account_id}",
        "Change the customer's address, name, time zone or language. What is left out stays.",
        "write",
        PROFILE,
        answers={200: response_schemas.ACCOUNT},
        errors=(AccountNotFound, InvalidInput, AccountTaken),
        audit="profile.changed",
    ),
)
def update_account(account_id: str, request: CheckedRequest) -> dict[str, Any]:
    """The account with the change. Stripe's customer follows, at once if Stripe answers."""
    values = {name: value for name, value in request.body.items() if value is not None}
    if "email" in values:
        values["email"] = email_of(values, wiring.policy(), in_test=settings().stage == "local")
    return _account(change_profile(account_id, values, wiring.services()))


@serve(
    bp,
    Endpoint(
        "PUT",
        "/accounts/{account_id}/external_id",
        "Give the account your product's id of the customer, in place of another one. The same id"
        " again changes nothing.",
        "write",
        (replace(EXTERNAL_ID, required=True, help=EXTERNAL_ID_MEANS),),
        answers={200: response_schemas.ACCOUNT},
        errors=(AccountNotFound, InvalidInput, AccountTaken),
        audit="external_id.set",
    ),
)
def give_external_id(account_id: str, request: CheckedRequest) -> dict[str, Any]:
    """The account with the id. It is found by that one from now on, and by the old one no more."""
    external_id = request.body["external_id"]
    return _account(change_external_id(account_id, external_id, wiring.services()))


AT_STRIPE = Field(
    "stripe",
    one_of(("true", "false")),
    "With false the customer at Stripe stays; the call is refused while a subscription runs.",
    example="false",
)


@serve(
    bp,
    Endpoint(
        "DELETE",
        "/accounts/{account_id}",
        "Erase the account, and its customer at Stripe, which ends subscriptions at once. The same"
        " again goes on where an erasure was interrupted.",
        "admin",
        query=(AT_STRIPE,),
        answers={202: None},
        errors=(AccountNotFound, InvalidInput, Refused, StripeRefused),
        audit="account.erased",
    ),
)
def erase_account(account_id: str, request: CheckedRequest) -> Response:
    """202 once the account is gone. What is being written beside it goes within two minutes."""
    erase_now(account_id, request.query["stripe"] != "false", wiring.services())
    return Response("", status_code=202)


SEARCH = (
    Field(
        "email",
        line(320),
        "Find all accounts with this address; those that have proved it come first.",
        example="ada@example.com",
    ),
    Field(
        "external_id",
        line(320),
        "Find the account with this id of your product.",
        example="user-1",
    ),
)


@serve(
    bp,
    Endpoint(
        "GET",
        "/accounts",
        "Find accounts by e-mail address or by external id.",
        "read",
        query=SEARCH,
        answers={200: response_schemas.ACCOUNTS},
        errors=(InvalidInput,),
    ),
)
def find_accounts(request: CheckedRequest) -> dict[str, Any]:
    """{accounts: […]}: the accounts with this address, those first that have proved it, or the one
    with this external id. May be empty.
    """
    query = {name: value for name, value in request.query.items() if value is not None}
    if len(query) != 1:
        raise InvalidInput("Give either email or external_id.", "email")
    if email := query.get("email"):
        found = wiring.accounts().with_email(with_ascii_domain(email))
        proved_first = sorted(found, key=lambda account: not account.email_proved)
        return {"accounts": [_account(account) for account in proved_first]}
    account = wiring.accounts().with_external_id(query["external_id"])
    return {"accounts": [_account(account)] if account else []}


CURSOR = Field("cursor", line(1000), "The cursor from the previous page.")


@serve(
    bp,
    Endpoint(
        "GET",
        "/accounts/{account_id}/timeline",
        "The account's history, newest first.",
        "read",
        query=(CURSOR,),
        answers={200: response_schemas.TIMELINE},
        errors=(AccountNotFound, InvalidInput),
    ),
)
def show_timeline(account_id: str, request: CheckedRequest) -> dict[str, Any]:
    """{entries: […], cursor}: `cursor` requests the next page; null on the last page."""
    account = require_account(account_id, wiring.accounts())
    entries, following = wiring.timelines().page(account.id, request.query["cursor"], clock.now())
    return {"entries": [_entry(entry) for entry in entries], "cursor": following}


MILESTONE = (
    Field(
        "name",
        one_of(lambda: wiring.policy().milestones, "a milestone of billing.toml:"),
        "The milestone that the user reached.",
        required=True,
        example="connected_data",
    ),
    Field(
        "at",
        timestamp(),
        "When it was reached, now if left out. Of several times the earliest counts.",
        example="2026-03-02T09:00:00Z",
    ),
)


@serve(
    bp,
    Endpoint(
        "POST",
        "/accounts/{account_id}/milestones",
        "Record that the user reached a milestone in the product.",
        "write",
        MILESTONE,
        answers={204: None},
        errors=(AccountNotFound, InvalidInput, TooMany),
        audit="milestone.reported",
    ),
)
def reach_milestone(account_id: str, request: CheckedRequest) -> Response:
    """204 once the milestone is saved."""
    record_milestone(account_id, request.body["name"], request.body["at"], wiring.services())
    return Response("", status_code=204)


@serve(
    bp,
    Endpoint(
        "POST",
        "/accounts/{account_id}/checkout",
        "Create a Stripe Checkout page: to save a card while a subscription runs, else to buy.",
        "write",
        (PLAN, INTERVAL, QUANTITY, CURRENCY),
        answers={200: response_schemas.URL},
        errors=(AccountNotFound, InvalidInput, AlreadySubscribed, Refused, StripeRefused),
        audit="checkout.opened",
    ),
)
def make_checkout(account_id: str, request: CheckedRequest) -> dict[str, str]:
    """{url}. While a Checkout for the same purchase is open, this is its URL."""
    purchase = PurchaseRequest(**request.body)
    return {
        "url": open_checkout(account_id, purchase, wiring.links().checkout_urls, wiring.services())
    }


@serve(
    bp,
    Endpoint(
        "POST",
        "/accounts/{account_id}/portal",
        "Create a URL of Stripe's customer portal. It is valid for a short time.",
        "write",
        (),
        answers={200: response_schemas.URL},
        errors=(AccountNotFound, Refused, StripeRefused),
        audit="portal.opened",
    ),
)
def make_portal(account_id: str, request: CheckedRequest) -> dict[str, str]:
    """{url}. From there the customer comes back to their instance, if they have one."""
    policy = wiring.policy()
    product = policy.mail.app_url if policy.mail else wiring.links().base_url

    def back(account: Account) -> str:
        return way_back(account, policy, clock.now()) or product

    return {"url": open_portal(account_id, back, wiring.services())}


def _account(account: Account) -> dict[str, Any]:
    pending = pending_changes(account, wiring.services())
    return {
        "account_id": account.id,
        "email": account.email,
        "email_proved": account.email_proved,
        "name": account.name,
        "external_id": account.profile.external_id,
        "timezone": account.profile.timezone,
        "language": account.language,
        "attributes": dict(account.profile.attributes),
        "customers": sorted(account.customers),
        "stripe_metadata": wiring.services().metadata_of(account.id),
        "standing": standing_json(standing(account, wiring.policy(), clock.now())),
        "subscriptions": [
            _subscription(account, known.value, pending.get(id))
            for id, known in sorted(account.subscriptions.items())
        ],
        "openings": [
            {
                "at": iso_time(one.at),
                "link": one.link,
                "browser": one.browser,
                "ended": is_opening_ended(account, one.link),
            }
            for one in account.openings
        ],
        "others": [
            {"id": id, "customer": known.value.customer, "status": known.value.status}
            for id, known in sorted(account.others.items())
        ],
        "instance": instance_json(account),
    }


def _subscription(
    account: Account, subscription: Subscription, pending: PendingChange | None
) -> dict[str, Any]:
    plan, quantity = plan_of(account, subscription, wiring.policy())
    return {
        "id": subscription.id,
        "customer": subscription.customer,
        "status": subscription.status,
        "plan": plan,
        "quantity": quantity,
        "items": [
            {
                "price": item.price,
                "lookup_key": item.lookup_key,
                "quantity": item.quantity,
                "amount": item.amount,
                "currency": item.currency,
                "interval": item.interval,
            }
            for item in subscription.items
        ],
        "created": iso_time(subscription.created),
        "trial_end": iso_time(subscription.trial_end),
        "period_end": iso_time(subscription.period_end),
        "cancels_at": iso_time(subscription.cancels_at),
        "ended_at": iso_time(subscription.ended_at),
        "schedule": subscription.schedule,
        "pending_change": pending
        and {
            "at": iso_time(pending.at),
            "plan": pending.plan,
            "quantity": pending.quantity,
        },
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "at": iso_time(entry.at),
        "kind": entry.kind,
        "id": entry.id,
        "type": entry.type,
        "data": entry.data,
    }
