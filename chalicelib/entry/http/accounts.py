"""The product's calls: what an account may use, what it is, what happened to it, and the way to
Stripe's pages.
"""

from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.domain.access import standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import AccountNotFound, AlreadySubscribed, InvalidInput, Refused
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.entry.http import response_schemas
from chalicelib.entry.http.endpoint import Call, Given, serve
from chalicelib.entry.http.request_schema import Field, line, moment, one_of, whole
from chalicelib.entry.http.responses import moment_text, standing_shown
from chalicelib.runtime import links, wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.accounts.record import record_milestone
from chalicelib.usecases.billing.checkout import open_checkout, open_portal
from chalicelib.usecases.reading import require_account

PLAN = Field("plan", line(64), "A plan of billing.toml.", example="scale")
INTERVAL = Field(
    "interval",
    line(64),
    "How often it is paid: day, week, month or year, if the plan is sold so.",
    example="year",
)
CURRENCY = Field(
    "currency",
    line(3),
    "In which a purchase is paid, if the plan is sold so; a customer is billed in one.",
    example="eur",
)
QUANTITY = Field("quantity", whole(1, 1_000_000), "How many: seats, for one.", example=5)

bp = Blueprint(__name__)


@serve(
    bp,
    Call(
        "GET",
        "/accounts/{account_id}/access",
        "What the account may use now.",
        "access",
        answers={200: response_schemas.ACCESS},
        errors=(AccountNotFound,),
    ),
)
def show_access(account_id: str, given: Given) -> dict[str, Any]:
    """One consistent read, and the clock."""
    account = require_account(account_id, wiring.accounts())
    shown = standing_shown(standing(account, wiring.policy(), clock.now()))
    del shown["status"]
    return {"account_id": account.id, **shown}


@serve(
    bp,
    Call(
        "GET",
        "/accounts/{account_id}",
        "The account with its standing and subscriptions.",
        "read",
        answers={200: response_schemas.ACCOUNT},
        errors=(AccountNotFound,),
    ),
)
def show_account(account_id: str, given: Given) -> dict[str, Any]:
    """The account with its standing and subscriptions."""
    return _account(require_account(account_id, wiring.accounts()))


SEARCH = (
    Field(
        "email",
        line(320),
        "Those with this address, of which there may be several.",
        example="ada@example.com",
    ),
    Field(
        "external_id",
        line(320),
        "The one that the product knows by this id of its own.",
        example="user-1",
    ),
)


@serve(
    bp,
    Call(
        "GET",
        "/accounts",
        "Find accounts by one of the two.",
        "read",
        query=SEARCH,
        answers={200: response_schemas.ACCOUNTS},
        errors=(InvalidInput,),
    ),
)
def find_accounts(given: Given) -> dict[str, Any]:
    """{accounts: […]}: those with an e-mail, or the one with an external id; empty if there is
    none.
    """
    asked = {name: value for name, value in given.query.items() if value is not None}
    if len(asked) != 1:
        raise InvalidInput("Give one of email, external_id.", "email")
    if email := asked.get("email"):
        return {"accounts": [_account(account) for account in wiring.accounts().with_email(email)]}
    account = wiring.accounts().with_external_id(asked["external_id"])
    return {"accounts": [_account(account)] if account else []}


CURSOR = Field("cursor", line(1000), "The cursor of the page before.")


@serve(
    bp,
    Call(
        "GET",
        "/accounts/{account_id}/timeline",
        "What happened, newest first.",
        "read",
        query=(CURSOR,),
        answers={200: response_schemas.TIMELINE},
        errors=(AccountNotFound, InvalidInput),
    ),
)
def show_timeline(account_id: str, given: Given) -> dict[str, Any]:
    """{entries: […], cursor}: `cursor` asks for the next page and is null on the last."""
    account = require_account(account_id, wiring.accounts())
    entries, following = wiring.timelines().page(account.id, given.query["cursor"], clock.now())
    return {"entries": [_entry(entry) for entry in entries], "cursor": following}


MILESTONE = (
    Field(
        "name",
        one_of(lambda: wiring.policy().milestones, "a milestone of billing.toml:"),
        "What was done.",
        required=True,
        example="connected_data",
    ),
    Field(
        "at",
        moment(),
        "When, if not now; of several times the earliest counts.",
        example="2026-03-02T09:00:00Z",
    ),
)


@serve(
    bp,
    Call(
        "POST",
        "/accounts/{account_id}/milestones",
        "The user has done something in the product.",
        "write",
        MILESTONE,
        answers={204: None},
        errors=(AccountNotFound, InvalidInput),
    ),
)
def reach_milestone(account_id: str, given: Given) -> Response:
    """204 once it is known."""
    record_milestone(account_id, given.body["name"], given.body["at"], wiring.services())
    return Response("", status_code=204)


@serve(
    bp,
    Call(
        "POST",
        "/accounts/{account_id}/checkout",
        "Stripe's page: for a card while a subscription runs, else for a purchase.",
        "write",
        (PLAN, INTERVAL, QUANTITY, CURRENCY),
        answers={200: response_schemas.URL},
        errors=(AccountNotFound, InvalidInput, AlreadySubscribed, Refused),
    ),
)
def make_checkout(account_id: str, given: Given) -> dict[str, str]:
    """{url}: two clicks get the same."""
    wanted = (given.body["plan"], given.body["interval"], given.body["quantity"])
    return {
        "url": open_checkout(
            account_id, *wanted, links.checkout_urls, wiring.services(), given.body["currency"]
        )
    }


@serve(
    bp,
    Call(
        "POST",
        "/accounts/{account_id}/portal",
        "Stripe's portal, for a short time.",
        "write",
        (),
        answers={200: response_schemas.URL},
        errors=(AccountNotFound, Refused),
    ),
)
def make_portal(account_id: str, given: Given) -> dict[str, str]:
    """{url}."""
    policy = wiring.policy()
    return {
        "url": open_portal(
            account_id,
            policy.mail.app_url if policy.mail else links.base_url(),
            wiring.services(),
        )
    }


def _account(account: Account) -> dict[str, Any]:
    return {
        "account_id": account.id,
        "email": account.email,
        "name": account.name,
        "external_id": account.profile.external_id,
        "timezone": account.profile.timezone,
        "attributes": dict(account.profile.attributes),
        "customers": sorted(account.customers),
        "standing": standing_shown(standing(account, wiring.policy(), clock.now())),
        "subscriptions": [
            _subscription(known.value) for _, known in sorted(account.subscriptions.items())
        ],
    }


def _subscription(one: Subscription) -> dict[str, Any]:
    plan, quantity = wiring.policy().plan_of(one.items)
    return {
        "id": one.id,
        "customer": one.customer,
        "status": one.status,
        "plan": plan,
        "quantity": quantity,
        "items": [
            {
                "price": i.price,
                "lookup_key": i.lookup_key,
                "quantity": i.quantity,
                "amount": i.amount,
                "currency": i.currency,
                "interval": i.interval,
            }
            for i in one.items
        ],
        "created": moment_text(one.created),
        "trial_end": moment_text(one.trial_end),
        "period_end": moment_text(one.period_end),
        "cancels_at": moment_text(one.cancels_at),
        "ended_at": moment_text(one.ended_at),
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "at": moment_text(entry.at),
        "kind": entry.kind,
        "id": entry.id,
        "type": entry.type,
        "data": entry.data,
    }
