"""Leaving and coming back, by the customer's own hand."""

from urllib.parse import unquote

from chalice.app import Blueprint, Response

from chalicelib.domain.account.cancellation import CancellationRequest
from chalicelib.domain.account.links import cancellation_of
from chalicelib.domain.account.queries import cancellation_is_requested
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.cancellation_rules import may_withdraw
from chalicelib.domain.billing.decisions import may_cancel
from chalicelib.domain.errors import (
    AlreadySubscribed,
    CardDeclined,
    InvalidInput,
    NoSubscription,
    NotPossible,
)
from chalicelib.domain.security.links import LinkRefused
from chalicelib.entry.http.page_responses import led_to, page_of, paged, refuse_strangers_forms
from chalicelib.entry.pages.session import (
    FORM,
    back_to,
    billing_page_of,
    comment_of,
    form_of,
    reason_of,
    visitor,
)
from chalicelib.runtime import links, wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.billing.actions import (
    IdempotentRequest,
    cancel,
    preview_change,
    reactivate,
)
from chalicelib.usecases.billing.cancellation import ask_to_leave, leave, offered, take_alternative

TAKEN = {"pause": "paused", "coupon": "discounted"}
"""What the billing page says of an alternative that was taken at once."""

bp = Blueprint(__name__)


@bp.route("/billing/cancel", methods=["GET"])
@paged
def ask_why() -> Response:
    """Why? An answer is not asked twice for, nor needed."""
    from chalicelib.pages.cancellation import cancel_view

    account = visitor(bp.current_request)
    if not may_cancel(account):
        return back_to("/billing", "nothing_to_cancel")
    return billing_page_of("cancel", **cancel_view(account, wiring.policy()))


@bp.route("/billing/cancel", methods=["POST"], content_types=FORM)
@paged
def offer() -> Response:
    """One alternative, if the reason has one, and the date that access ends. Nothing is changed
    yet.
    """
    from chalicelib.pages.cancellation import confirm_view

    account, form = visitor(bp.current_request), form_of(bp.current_request)
    if not may_cancel(account):
        return back_to("/billing", "nothing_to_cancel")
    reason, services = reason_of(form), wiring.services()
    view = confirm_view(
        account,
        services.policy,
        offered(account, reason, services),
        reason,
        comment_of(form),
        clock.now(),
    )
    return billing_page_of("cancel_confirm", **view)


@bp.route("/billing/cancel/confirm", methods=["POST"], content_types=FORM)
@paged
def confirm_cancel() -> Response:
    """At the period's end at once; `now` only after one more question by mail."""
    account, form, services = (
        visitor(bp.current_request),
        form_of(bp.current_request),
        wiring.services(),
    )
    reason, comment, when = reason_of(form), comment_of(form) or None, form.get("when")
    if when not in {"period_end", "now"}:
        raise InvalidInput("Please choose when it is to end.", "when")
    if not may_cancel(account):
        return back_to("/billing", "nothing_to_cancel")
    if when == "now":
        ask_to_leave(account, "cancel_now", reason, comment, services)
        return back_to("/billing", "leave_asked")
    cancel(
        account.id,
        IdempotentRequest(f"page cancel {reason} {comment}"),
        "period_end",
        reason,
        comment,
        services,
    )
    return back_to("/billing", "canceling")


@bp.route("/billing/cancel/instead", methods=["POST"], content_types=FORM)
@paged
def stay() -> Response:
    """Take the alternative of the reason that was given."""
    account, form, services = (
        visitor(bp.current_request),
        form_of(bp.current_request),
        wiring.services(),
    )
    try:
        taken = take_alternative(account, reason_of(form) or "", services)
    except (InvalidInput, NotPossible, NoSubscription):
        taken = None
    if taken is None or taken.kind != "plan":
        return back_to("/billing", TAKEN[taken.kind] if taken else "nothing_offered")
    from chalicelib.pages.plan import preview_view

    preview = preview_change(account.id, taken.value, None, None, "now", services)
    return billing_page_of(
        "plan_preview", **preview_view(account, wiring.policy(), preview, moved=False)
    )


@bp.route("/billing/reactivate", methods=["POST"], content_types=FORM)
@paged
def come_back() -> Response:
    """One click: what was scheduled is undone, a pause ended; else Stripe's page leads on."""
    account = visitor(bp.current_request)
    try:
        outcome = reactivate(
            account.id, IdempotentRequest("page reactivate"), links.checkout_urls, wiring.services()
        )
    except AlreadySubscribed:
        return back_to("/billing", "already_subscribed")
    except CardDeclined:
        return back_to("/billing", "declined")
    return (
        led_to(outcome.url) if outcome.url else back_to("/billing", outcome.action or "uncanceled")
    )


@bp.route("/billing/withdraw", methods=["GET"])
@paged
def show_withdrawal() -> Response:
    """Withdraw from the contract: what that means, and the button."""
    account = visitor(bp.current_request)
    if not may_withdraw(account, wiring.policy(), clock.now()):
        return back_to("/billing", "no_withdrawal")
    return billing_page_of("withdraw", days=wiring.policy().cancel.withdrawal_days)


@bp.route("/billing/withdraw", methods=["POST"], content_types=FORM)
@paged
def ask_to_withdraw() -> Response:
    """Asks once more by mail."""
    account = visitor(bp.current_request)
    try:
        ask_to_leave(account, "withdraw", None, None, wiring.services())
    except (NoSubscription, NotPossible):
        return back_to("/billing", "no_withdrawal")
    return back_to("/billing", "leave_asked")


@bp.route("/leave/{token}", methods=["GET"])
@paged
def show_leave(token: str) -> Response:
    """Shows a button and changes nothing: programs that look for bad links open every one."""
    account, wish = _wish(token)
    if not cancellation_is_requested(account):
        raise LinkRefused(links.DOES_NOT_WORK)
    return page_of(200, "leave", what=wish.what)


@bp.route("/leave/{token}", methods=["POST"], content_types=FORM)
@paged
def confirm_leave(token: str) -> Response:
    """Ends it at once; the same again does nothing more."""
    refuse_strangers_forms(bp.current_request)
    account, wish = _wish(token)
    leave(account, wish, wiring.services())
    return page_of(200, "left", what=wish.what)


def _wish(token: str) -> tuple[Account, CancellationRequest]:
    link, account = links.open_link(unquote(token), "leave")
    wish = cancellation_of(link, account)
    if wish is None:
        raise LinkRefused(links.DOES_NOT_WORK)
    return account, wish
