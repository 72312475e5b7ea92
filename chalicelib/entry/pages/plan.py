"""Another plan, by the customer's own hand: choose, see the exact amount, confirm it."""

from datetime import UTC, datetime

from chalice.app import Blueprint, Response

from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.decisions import may_change
from chalicelib.domain.billing.preview import Preview, is_fresh
from chalicelib.domain.errors import CardDeclined, InvalidInput, NotPossible
from chalicelib.entry.http.page_responses import paged
from chalicelib.entry.pages.session import FORM, back_to, billing_page_of, form_of, visitor
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.billing.actions import IdempotentRequest, change_plan, preview_change

bp = Blueprint(__name__)


@bp.route("/billing/plan", methods=["GET"])
@paged
def show_plans() -> Response:
    """What there is to choose. Who owes something is led to the card first."""
    from chalicelib.pages.plan import plan_view

    account = visitor(bp.current_request)
    if not may_change(account, wiring.policy()):
        return back_to("/billing", "no_change")
    return billing_page_of("plan", **plan_view(account, wiring.policy()))


@bp.route("/billing/plan", methods=["POST"], content_types=FORM)
@paged
def show_preview() -> Response:
    """What it would cost, by Stripe's own reckoning. Nothing is changed yet."""
    account = visitor(bp.current_request)
    plan, interval, seats = _chosen(form_of(bp.current_request))
    try:
        return _asked_for(
            account, preview_change(account.id, plan, interval, seats, "now", wiring.services())
        )
    except NotPossible:
        return back_to("/billing", "no_change")


@bp.route("/billing/plan/confirm", methods=["POST"], content_types=FORM)
@paged
def confirm() -> Response:
    """Do it for exactly what was shown; should that be another amount by now, it is shown and asked
    again.
    """
    from chalicelib.pages.plan import shown

    account, form, services = (
        visitor(bp.current_request),
        form_of(bp.current_request),
        wiring.services(),
    )
    plan, interval, seats = _chosen(form)
    as_of = _moment(form.get("as_of", ""))
    fresh = is_fresh(as_of, clock.now())
    try:
        preview = preview_change(
            account.id, plan, interval, seats, "now", services, as_of if fresh else None
        )
        if preview.change is None:
            return back_to("/billing", "plan_changed")
        if not fresh or shown(preview) != form.get("shown"):
            return _asked_for(account, preview, moved=True)
        asked = IdempotentRequest(
            f"page plan {plan} {interval} {seats}",
            f"page plan {as_of.timestamp():.0f} {plan} {interval} {seats}",
        )
        change_plan(account.id, asked, plan, interval, seats, "now", services, as_of)
    except CardDeclined:
        return billing_page_of("plan_declined", 402)
    except NotPossible:
        return back_to("/billing", "no_change")
    return back_to("/billing", "plan_changed")


def _asked_for(account: Account, preview: Preview, moved: bool = False) -> Response:
    from chalicelib.pages.plan import preview_view

    if preview.change is None:
        return back_to("/billing", "same_plan")
    return billing_page_of("plan_preview", **preview_view(account, wiring.policy(), preview, moved))


def _chosen(form: dict[str, str]) -> tuple[str, str, int]:
    from chalicelib.pages.plan import SEATS_AT_MOST

    plan, _, interval = form.get("choice", "").partition(":")
    if not plan or not interval:
        raise InvalidInput("Please choose one of the plans on the page.", "choice")
    seats = form.get("seats", "")
    if not (
        seats.isascii() and seats.isdigit() and len(seats) < 10 and 1 <= int(seats) <= SEATS_AT_MOST
    ):
        raise InvalidInput(f"Please give a number of seats from 1 to {SEATS_AT_MOST}.", "seats")
    return plan, interval, int(seats)


def _moment(seconds: str) -> datetime:
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 12):
        raise InvalidInput("The form cannot be read.", "as_of")
    return datetime.fromtimestamp(int(seconds), UTC)
