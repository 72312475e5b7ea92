"""The page behind a link in mail that asks why a trial or a subscription ended."""

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.policy.reasons import CANCELLATION_REASONS
from chalicelib.entry.http.page_responses import (
    html_page,
    message_page,
    page_response,
    refuse_cross_site,
)
from chalicelib.entry.pages.session import FORM, comment_of, form_of, opened, reason_of
from chalicelib.runtime import wiring
from chalicelib.usecases.billing.cancellation import give_feedback

bp = Blueprint(__name__)


@bp.route("/feedback/{token}", methods=["GET"])
@html_page
def show_question(token: str) -> Response:
    """Show the question, with an earlier answer if there is one."""
    link, account = opened(token, "feedback")
    earlier = account.feedback.get(link.about)
    return page_response(
        200,
        "feedback",
        reasons=CANCELLATION_REASONS,
        answer=earlier.answer if earlier else "",
        comment=earlier.comment if earlier else "",
    )


@bp.route("/feedback/{token}", methods=["POST"], content_types=FORM)
@html_page
def answer(token: str) -> Response:
    """Save the answer: one for each trial or subscription, which can be changed for a day."""
    refuse_cross_site(bp.current_request)
    link, account = opened(token, "feedback")
    form = form_of(bp.current_request)
    reason = reason_of(form)
    if reason is None:
        raise InvalidInput("Please choose one of the answers.", "reason")
    if give_feedback(account, link.about, reason, comment_of(form), wiring.services()):
        return message_page(200, "feedback.thanks", "feedback.saved")
    return message_page(200, "feedback.thanks", "feedback.kept")
