"""The pages where a customer cancels, accepts an offer instead, withdraws, or comes back."""

from chalice.app import Blueprint, Response

from chalicelib.domain.account.cancellation import CancellationRequest, Refund
from chalicelib.domain.account.links import cancellation_of
from chalicelib.domain.account.queries import cancellation_is_requested
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.cancellation_rules import may_withdraw
from chalicelib.domain.billing.decisions import may_cancel
from chalicelib.domain.billing.idempotency import IdempotentRequest
from chalicelib.domain.billing.plan_requests import PlanRequest
from chalicelib.domain.errors import (
    AlreadySubscribed,
    CardDeclined,
    InvalidInput,
    NoSubscription,
    NotPossible,
    StripeRefused,
    SubscriptionEnded,
)
from chalicelib.domain.security.links import Link, LinkRefused
from chalicelib.entry.http.middleware.reader import reader_language
from chalicelib.entry.http.page_responses import (
    html_page,
    page_response,
    redirect,
    refuse_cross_site,
)
from chalicelib.entry.pages.session import (
    FORM,
    billing_page,
    comment_of,
    form_of,
    open_payment_page,
    opened,
    reason_of,
    redirect_to,
    visitor,
)
from chalicelib.localization.amounts import money
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.billing.actions import (
    cancel,
    preview_change,
    reactivate,
)
from chalicelib.usecases.billing.cancellation import ask_to_leave, leave, offered, take_alternative
from chalicelib.usecases.billing.withdrawal import shown_refund
from chalicelib.usecases.messaging.mailboxes import note_press

ACCEPTED = {"pause": "paused", "coupon": "discounted"}
"""Kind of retention offer → the notice on the billing page after the customer accepted it."""

bp = Blueprint(__name__)


@bp.route("/billing/cancel", methods=["GET"])
@html_page
def show_cancellation() -> Response:
    """Show the first page of a cancellation: an optional question for the reason."""
    from chalicelib.pages.cancellation import cancel_view

    account = visitor(bp.current_request)
    if not may_cancel(account):
        return redirect_to("/billing", "nothing_to_cancel")
    return billing_page("cancel", **cancel_view(account, wiring.policy(), reader_language()))


@bp.route("/billing/cancel", methods=["POST"], content_types=FORM)
@html_page
def show_offer() -> Response:
    """Show the retention offer for the reason, if there is one, and when access ends. Changes
    nothing yet.
    """
    from chalicelib.pages.cancellation import confirm_view

    account, form = visitor(bp.current_request), form_of(bp.current_request)
    if not may_cancel(account):
        return redirect_to("/billing", "nothing_to_cancel")
    reason, services = reason_of(form), wiring.services()
    view = confirm_view(
        account,
        services.policy,
        offered(account, reason, services),
        reason,
        comment_of(form),
        clock.now(),
        reader_language(),
    )
    return billing_page("cancel_confirm", **view)


@bp.route("/billing/cancel/confirm", methods=["POST"], content_types=FORM)
@html_page
def confirm_cancel() -> Response:
    """Cancel at the end of the period, or mail a link to confirm a cancellation at once. Of several
    subscriptions the current one, or that of the form.
    """
    account, form, services = (
        visitor(bp.current_request),
        form_of(bp.current_request),
        wiring.services(),
    )
    reason, comment, when = reason_of(form), comment_of(form) or None, form.get("when")
    if when not in {"period_end", "now"}:
        raise InvalidInput("Please choose when your subscription should end.", "when")
    if other := form.get("subscription"):
        return _cancel_other(account, other)
    if not may_cancel(account):
        return redirect_to("/billing", "nothing_to_cancel")
    if when == "now":
        ask_to_leave(account, "cancel_now", reason, comment, services)
        return redirect_to("/billing", "leave_asked")
    cancel(
        account.id,
        IdempotentRequest(f"page cancel {reason} {comment}"),
        "period_end",
        reason,
        comment,
        services,
    )
    return redirect_to("/billing", "canceling")


def _cancel_other(account: Account, id: str) -> Response:
    """End another subscription than the current one at the end of its period."""
    request = IdempotentRequest(f"page cancel {id}")
    try:
        cancel(account.id, request, "period_end", None, None, wiring.services(), id)
    except SubscriptionEnded:
        return redirect_to("/billing", "nothing_to_cancel")
    return redirect_to("/billing", "other_canceling")


@bp.route("/billing/cancel/instead", methods=["POST"], content_types=FORM)
@html_page
def accept_offer() -> Response:
    """Accept the retention offer for the reason."""
    account, form, services = (
        visitor(bp.current_request),
        form_of(bp.current_request),
        wiring.services(),
    )
    try:
        accepted = take_alternative(account, reason_of(form) or "", services)
    except (InvalidInput, NotPossible, NoSubscription, StripeRefused):
        accepted = None
    if accepted is None or accepted.kind != "plan":
        return redirect_to("/billing", ACCEPTED[accepted.kind] if accepted else "nothing_offered")
    from chalicelib.pages.plan import preview_view

    preview = preview_change(account.id, PlanRequest(accepted.value), services)
    view = preview_view(account, wiring.policy(), preview, False, reader_language())
    return billing_page("plan_preview", **view)


@bp.route("/billing/reactivate", methods=["POST"], content_types=FORM)
@html_page
def reactivate_subscription() -> Response:
    """Undo a scheduled cancellation or end a pause; otherwise redirect to Stripe Checkout."""
    account = visitor(bp.current_request)
    try:
        outcome = reactivate(
            account.id,
            IdempotentRequest("page reactivate"),
            wiring.links().checkout_urls,
            wiring.services(),
        )
    except AlreadySubscribed:
        return redirect_to("/billing", "already_subscribed")
    except CardDeclined:
        return redirect_to("/billing", "declined")
    if outcome.payment:
        return open_payment_page(outcome.payment)
    return (
        redirect(outcome.url)
        if outcome.url
        else redirect_to("/billing", outcome.action or "uncanceled")
    )


@bp.route("/billing/withdraw", methods=["GET"])
@html_page
def show_withdrawal() -> Response:
    """Show what withdrawing from the contract means, and a button for it."""
    account, services = visitor(bp.current_request), wiring.services()
    if not may_withdraw(account, wiring.policy(), clock.now()):
        return redirect_to("/billing", "no_withdrawal")
    try:
        refund = shown_refund(account, clock.now(), services)
    except (NoSubscription, NotPossible):
        return redirect_to("/billing", "no_withdrawal")
    days = wiring.policy().cancel.withdrawal_days
    return billing_page("withdraw", days=days, refund=_spoken(refund))


@bp.route("/billing/withdraw", methods=["POST"], content_types=FORM)
@html_page
def request_withdrawal() -> Response:
    """Mail a link to confirm the withdrawal."""
    account = visitor(bp.current_request)
    try:
        ask_to_leave(account, "withdraw", None, None, wiring.services())
    except (NoSubscription, NotPossible):
        return redirect_to("/billing", "no_withdrawal")
    return redirect_to("/billing", "leave_asked")


@bp.route("/leave/{token}", methods=["GET"])
@html_page
def show_leave(token: str) -> Response:
    """Show a button to confirm. Changes nothing, because mail scanners open every link."""
    _, account, cancellation = _requested(token)
    if not cancellation_is_requested(account):
        raise LinkRefused
    refund = None
    if cancellation.what == "withdraw":
        refund = shown_refund(account, cancellation.at, wiring.services())
    return page_response(200, "leave", what=cancellation.what, refund=_spoken(refund))


@bp.route("/leave/{token}", methods=["POST"], content_types=FORM)
@html_page
def confirm_leave(token: str) -> Response:
    """End the subscription at once. Confirming again changes nothing."""
    refuse_cross_site(bp.current_request)
    link, account, cancellation = _requested(token)
    note_press(account.email, link, wiring.services())
    leave(account, cancellation, wiring.services())
    return page_response(200, "left", what=cancellation.what)


def _spoken(refund: Refund | None) -> str:
    return money(refund.amount, refund.currency, reader_language()) if refund else ""


def _requested(token: str) -> tuple[Link, Account, CancellationRequest]:
    link, account = opened(token, "leave")
    cancellation = cancellation_of(link, account)
    if cancellation is None:
        raise LinkRefused
    return link, account, cancellation
