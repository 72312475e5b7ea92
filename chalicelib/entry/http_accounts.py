"""The product's calls: what an account may use, what it is, what happened to it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from chalice.app import Blueprint, Response

from chalicelib.domain.account import Account
from chalicelib.domain.errors import AccountNotFound, InvalidInput
from chalicelib.domain.facts import MilestoneReached, Subscription
from chalicelib.domain.ids import well_formed
from chalicelib.domain.standing import Standing, standing
from chalicelib.domain.timeline import Entry
from chalicelib.entry.presenting import answered, moment, query_of
from chalicelib.runtime import links, wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.absorb import Asker, absorb
from chalicelib.usecases.checkout import open_checkout, open_portal

CLOCKS_APART = timedelta(minutes=1)
"""How far ahead of ours the product's clock may be."""

bp = Blueprint(__name__)


@bp.route("/accounts/{account_id}/access", methods=["GET"])
@answered
def show_access(account_id: str) -> dict[str, Any]:
    """What the account may use now: one consistent read, and the clock."""
    _authorize("access")
    account = _found(account_id)
    now = standing(account, wiring.policy(), clock.now())
    shown = _standing(now)
    del shown["status"]
    return {"account_id": account.id, **shown}


@bp.route("/accounts/{account_id}", methods=["GET"])
@answered
def show_account(account_id: str) -> dict[str, Any]:
    """The account with its standing and subscriptions."""
    _authorize("read")
    return _account(_found(account_id))


@bp.route("/accounts", methods=["GET"])
@answered
def find_accounts() -> dict[str, Any]:
    """{accounts: […]}: those with an e-mail, of which there may be several, or the one with an external id; empty if there is none."""
    _authorize("read")
    name, value = _one_query_parameter("email", "external_id")
    if name == "email":
        return {"accounts": [_account(account) for account in wiring.accounts().with_email(value)]}
    account = wiring.accounts().with_external_id(value)
    return {"accounts": [_account(account)] if account else []}


@bp.route("/accounts/{account_id}/timeline", methods=["GET"])
@answered
def show_timeline(account_id: str) -> dict[str, Any]:
    """{entries: […], cursor}: what happened, newest first; `cursor` asks for the next page and is null on the last."""
    _authorize("read")
    cursor = query_of(bp.current_request).get("cursor")
    account = _found(account_id)
    entries, following = wiring.log().page(account.id, cursor, clock.now())
    return {"entries": [_entry(entry) for entry in entries], "cursor": following}


@bp.route("/accounts/{account_id}/milestones", methods=["POST"])
@answered
def reach_milestone(account_id: str) -> Response:
    """{name, at?}: 204 once it is known that the user has done this; of several times the earliest counts."""
    _authorize("write")
    body = _object("name", "at")
    name, now = body.get("name"), clock.now()
    known = wiring.policy().milestones
    if not isinstance(name, str) or name not in known:
        raise InvalidInput(f"name must be a milestone of billing.toml: {', '.join(known) or 'it has none yet'}.", "name")
    at = _past_moment(body["at"], "at", now) if body.get("at") is not None else now
    world = wiring.world()
    absorb(_found(account_id), [MilestoneReached(name, at)], world, Asker(world))
    return Response("", status_code=204)


@bp.route("/accounts/{account_id}/checkout", methods=["POST"])
@answered
def make_checkout(account_id: str) -> dict[str, str]:
    """{plan?, interval?, quantity?} → {url}: Stripe's page, for a card while a subscription runs, else for a purchase."""
    _authorize("write")
    body = _object("plan", "interval", "quantity") if bp.current_request.raw_body else {}
    plan, interval = (_optional_text(body, name) for name in ("plan", "interval"))
    quantity = body.get("quantity")
    if quantity is not None and (isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= 1_000_000):
        raise InvalidInput("quantity must be a whole number from 1.", "quantity")
    account = _found(account_id)
    return {"url": open_checkout(account.id, plan, interval, quantity, links.returns, wiring.world())}


@bp.route("/accounts/{account_id}/portal", methods=["POST"])
@answered
def make_portal(account_id: str) -> dict[str, str]:
    """{url}: Stripe's portal, for a short time."""
    _authorize("write")
    if bp.current_request.raw_body:
        _object()
    policy = wiring.policy()
    return {"url": open_portal(_found(account_id).id, policy.mail.app_url if policy.mail else links.base_url(), wiring.world())}


def _optional_text(body: dict[str, Any], field: str) -> str | None:
    value = body.get(field)
    if value is not None and (not isinstance(value, str) or not value or len(value) > 64):
        raise InvalidInput(f"{field} must be a short text.", field)
    return value


def _object(*allowed: str) -> dict[str, Any]:
    """The body of the request, a JSON object of no other fields."""
    try:
        body = json.loads(cast(bytes, bp.current_request.raw_body))
    except (ValueError, RecursionError) as error:
        raise InvalidInput("The body is no JSON.") from error
    if not isinstance(body, dict):
        raise InvalidInput("The body must be a JSON object.")
    for field in body:
        if field not in allowed:
            raise InvalidInput(f"There is no field {field[:40]}: give {', '.join(allowed) or 'none'}.", field[:40])
    return body


def _past_moment(value: Any, field: str, now: datetime) -> datetime:
    try:
        given = datetime.fromisoformat(value)
        moment = given.astimezone(UTC) if given.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        moment = None
    if moment is None:
        raise InvalidInput(f"{field} must be a moment with its offset, such as 2026-03-02T09:00:00Z.", field)
    if moment > now + CLOCKS_APART:
        raise InvalidInput(f"{field} must not be in the future.", field)
    return min(moment, now)


def _authorize(scope: str) -> None:
    """Before anything is read: a stranger learns nothing of which accounts there are."""
    wiring.key_ring().check(bp.current_request.headers.get("authorization"), scope, clock.now())


def _found(id: str) -> Account:
    account = wiring.accounts().load(id) if well_formed(id) else None
    if account is None:
        raise AccountNotFound("There is no account of that id.", "account_id")
    return account


def _one_query_parameter(*allowed: str) -> tuple[str, str]:
    given = query_of(bp.current_request)
    for name in given:
        if name not in allowed:
            raise InvalidInput(f"There is no parameter {name[:40]}: give one of {', '.join(allowed)}.", name[:40])
    if len(given) != 1:
        raise InvalidInput(f"Give one of {', '.join(allowed)}.", allowed[0])
    ((name, value),) = given.items()
    if not value.strip() or len(value) > 320:
        raise InvalidInput(f"{name} must have 1 to 320 letters.", name)
    return name, value


def _account(account: Account) -> dict[str, Any]:
    return {
        "account_id": account.id,
        "email": account.email,
        "name": account.name,
        "external_id": account.profile.external_id,
        "timezone": account.profile.timezone,
        "attributes": dict(account.profile.attributes),
        "customers": sorted(account.customers),
        "standing": _standing(standing(account, wiring.policy(), clock.now())),
        "subscriptions": [_subscription(known.value) for _, known in sorted(account.subscriptions.items())],
    }


def _standing(now: Standing) -> dict[str, Any]:
    return {
        "status": now.status,
        "access": now.access,
        "reason": now.reason,
        "plan": now.plan,
        "features": list(now.features),
        "quantity": now.quantity,
        "until": moment(now.until),
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
            {"price": i.price, "lookup_key": i.lookup_key, "quantity": i.quantity, "amount": i.amount, "currency": i.currency, "interval": i.interval}
            for i in one.items
        ],
        "created": moment(one.created),
        "trial_end": moment(one.trial_end),
        "period_end": moment(one.period_end),
        "cancels_at": moment(one.cancels_at),
        "ended_at": moment(one.ended_at),
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {"at": moment(entry.at), "kind": entry.kind, "id": entry.id, "type": entry.type, "data": entry.data}
