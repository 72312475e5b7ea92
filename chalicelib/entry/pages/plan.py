"""The pages where a customer changes the plan: choose, see the exact amount, confirm."""

from datetime import UTC, datetime

from chalice.app import Blueprint, Response

from chalicelib.domain.account.links import is_recent
from chalicelib.domain.account.queries import as_recognized, current_subscription
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.decisions import may_change
from chalicelib.domain.billing.idempotency import IdempotentRequest
from chalicelib.domain.billing.plan_requests import PlanRequest
from chalicelib.domain.billing.preview import Preview, costs_more, is_fresh
from chalicelib.domain.errors import (
    CardDeclined,
    ConfirmationRequired,
    InvalidInput,
    NotPossible,
)
from chalicelib.domain.security.links import Link
from chalicelib.entry.http.middleware.reader import reader_language
from chalicelib.entry.http.page_responses import html_page
from chalicelib.entry.pages.session import (
    FORM,
    billing_page,
    form_of,
    open_payment_page,
    redirect_to,
    visit,
    visitor,
)
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.billing.actions import change_plan, preview_change

bp = Blueprint(__name__)


@bp.route("/billing/plan", methods=["GET"])
@html_page
def show_plans() -> Response:
    """Show the plans to choose from. With an open payment, redirects to the billing page."""
    from chalicelib.pages.plan import plan_view

    account = visitor(bp.current_request)
    if not may_change(account, wiring.policy()):
        return redirect_to("/billing", "no_change")
    return billing_page("plan", **plan_view(account, wiring.policy(), reader_language()))


@bp.route("/billing/plan", methods=["POST"], content_types=FORM)
@html_page
def show_preview() -> Response:
    """Show what the change costs, as Stripe calculates it. Changes nothing yet."""
    session, account = visit(bp.current_request)
    plan, interval, seats = _chosen(form_of(bp.current_request))
    try:
        preview = preview_change(account.id, PlanRequest(plan, interval, seats), wiring.services())
    except NotPossible:
        return redirect_to("/billing", "no_change")
    if _needs_sign_in(session, account, preview):
        return billing_page("plan_sign_in", email=account.email or "")
    return _preview_page(account, preview)


@bp.route("/billing/plan/confirm", methods=["POST"], content_types=FORM)
@html_page
def confirm() -> Response:
    """Change the plan for exactly the amount shown. If the amount has changed, shows the preview
    again.
    """
    from chalicelib.pages.plan import shown

    session, account = visit(bp.current_request)
    form, services = form_of(bp.current_request), wiring.services()
    plan, interval, seats = _chosen(form)
    as_of = _time(form.get("as_of", ""))
    fresh = is_fresh(as_of, clock.now())
    try:
        request = PlanRequest(plan, interval, seats, as_of=as_of if fresh else None)
        preview = preview_change(account.id, request, services)
        if preview.change is None:
            return redirect_to("/billing", "plan_changed")
        if _needs_sign_in(session, account, preview):
            return billing_page("plan_sign_in", email=account.email or "")
        if not fresh or shown(preview) != form.get("shown"):
            return _preview_page(account, preview, moved=True)
        idempotent = IdempotentRequest(
            f"page plan {plan} {interval} {seats}",
            f"page plan {as_of.timestamp():.0f} {plan} {interval} {seats}",
        )
        outcome = change_plan(account.id, idempotent, request, services)
    except (CardDeclined, ConfirmationRequired):
        return billing_page("plan_declined", 402)
    except NotPossible:
        return redirect_to("/billing", "no_change")
    if outcome.payment:
        return open_payment_page(outcome.payment)
    return redirect_to("/billing", "plan_changed")


def _needs_sign_in(session: Link, account: Account, preview: Preview) -> bool:
    """Whether the change costs more and the session shows only that its visitor has an older mail:
    whoever finds one pays with the customer's card.
    """
    policy, subscription = wiring.policy(), current_subscription(account)
    if policy.signup is None or subscription is None or is_recent(session, clock.now()):
        return False
    return costs_more(preview, as_recognized(account, subscription, policy), policy)


def _preview_page(account: Account, preview: Preview, moved: bool = False) -> Response:
    from chalicelib.pages.plan import preview_view

    if preview.change is None:
        return redirect_to("/billing", "same_plan")
    view = preview_view(account, wiring.policy(), preview, moved, reader_language())
    return billing_page("plan_preview", **view)


def _chosen(form: dict[str, str]) -> tuple[str, str, int]:
    from chalicelib.pages.plan import SEATS_AT_MOST

    plan, _, interval = form.get("choice", "").partition(":")
    if not plan or not interval:
        raise InvalidInput("Please choose one of the plans.", "choice")
    seats = form.get("seats", "")
    if not (
        seats.isascii() and seats.isdigit() and len(seats) < 10 and 1 <= int(seats) <= SEATS_AT_MOST
    ):
        raise InvalidInput(f"Please enter a number of seats from 1 to {SEATS_AT_MOST}.", "seats")
    return plan, interval, int(seats)


def _time(seconds: str) -> datetime:
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 12):
        raise InvalidInput("The form cannot be read.", "as_of")
    return datetime.fromtimestamp(int(seconds), UTC)
