"""The actions on one customer: forms with the fields of the API's calls."""

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from chalice.app import Blueprint, Response

from chalicelib.domain.bounds import most
from chalicelib.domain.errors import BillhookError, InvalidInput
from chalicelib.domain.ids import well_formed
from chalicelib.domain.security.dashboard import Operator
from chalicelib.entry.admin.customer import customer_page
from chalicelib.entry.admin.forms import api_values, has_box, require_confirmation
from chalicelib.entry.admin.responses import error_status, redirect_to
from chalicelib.entry.admin.session import audited, form_of, page
from chalicelib.entry.http import accounts
from chalicelib.entry.http.actions import actions, charges
from chalicelib.entry.http.endpoint import CheckedRequest
from chalicelib.entry.http.schemas.request import Field, line
from chalicelib.runtime import wiring
from chalicelib.usecases.accounts.links import end_links
from chalicelib.usecases.instances.order import order_instance
from chalicelib.values import frozen

bp = Blueprint(__name__)

Call = Callable[..., Any]
"""A view of the API: called with the id of the account and the checked request."""

WHY = Field("why", line(most("note")), "Why it is done, for the audit log.")
"""The field that every form has besides."""


@frozen
class Action:
    """An action: the fields of its form, the view of the API that does it, what the audit log
    calls it, and whether the box of its form must be checked, because it takes money, access or
    data.
    """

    fields: tuple[Field, ...]
    call: Call
    name: str
    is_confirmed: bool = False


def _erase(account_id: str, request: CheckedRequest) -> Any:
    return accounts.erase_account(account_id, request=request)


def _end_links(account_id: str, request: CheckedRequest) -> None:
    end_links(account_id, "operator", wiring.services())


def _order(order: str) -> Call:
    def give(account_id: str, request: CheckedRequest) -> None:
        order_instance(account_id, order, wiring.services())

    return give


ACTIONS: Mapping[str, Action] = {
    "grants": Action(actions.GRANT, actions.grant, "grants.given"),
    "trial": Action(actions.TRIAL, actions.move_trial_end, "trial.changed"),
    "plan": Action(actions.PLAN_CHANGE, actions.change_plan, "subscription.plan_changed", True),
    "discount": Action(actions.DISCOUNT, actions.give_discount, "discount.given"),
    "charges": Action(charges.CHARGE, charges.charge, "charge.made", True),
    "cancel": Action(actions.CANCEL, actions.cancel, "subscription.canceled", True),
    "reactivate": Action((), actions.reactivate, "subscription.reactivated", True),
    "sign-out": Action((), _end_links, "links.ended", True),
    "instance-retry": Action((), _order("retry"), "instance.retried", True),
    "instance-suspend": Action((), _order("suspend"), "instance.suspended", True),
    "instance-resume": Action((), _order("resume"), "instance.resumed", True),
    "instance-delete": Action((), _order("delete"), "instance.deleted", True),
    "erase": Action((accounts.AT_STRIPE,), _erase, "account.erased", True),
}
"""The last part of the path → the action."""


@page(bp, "/admin/customers/{account_id}/{call}", "POST", acts=True)
def act(operator: Operator, account_id: str, call: str) -> Response:
    """Do an action and return to the customer's page; what is wrong is shown there, at its
    field.
    """
    form, action = form_of(bp.current_request), ACTIONS.get(call)
    if action is None or not well_formed(account_id):
        raise InvalidInput("There is no such action.")
    try:
        done = _do(operator, account_id, action, form)
    except BillhookError as error:
        if error_status(error) >= 500:
            raise
        return customer_page(
            operator, account_id, status=error_status(error), call=call, error=error, given=form
        )
    waits = getattr(done, "status_code", 200) == 202 and call != "erase"
    notice = f"{call}_waits" if waits else call
    return redirect_to(f"/admin/customers/{account_id}", notice=notice)


def _do(operator: Operator, account_id: str, action: Action, form: Mapping[str, str]) -> Any:
    policy = wiring.policy()
    zone = ZoneInfo(policy.mail.timezone if policy.mail else "UTC")
    values = api_values((*action.fields, WHY), form, zone)
    if action.is_confirmed and has_box(form):
        require_confirmation(form)
    fields = {field.name: values[field.name] for field in action.fields}
    is_query = action.call is _erase
    request = CheckedRequest({} if is_query else fields, fields if is_query else {}, _key(form))
    with audited(bp.current_request, operator.actor, action.name, account_id, values, request.key):
        return action.call(account_id, request=request)


def _key(form: Mapping[str, str]) -> str:
    """The form's Idempotency-Key: sent twice, it does no more. A form without one is new."""
    given = form.get("once", "")
    return (
        given if re.fullmatch(r"[A-Za-z0-9_-]{8,100}", given) else f"admin-{secrets.token_hex(12)}"
    )
