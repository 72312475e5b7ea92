"""One question, by a link in a mail: why the trial or the subscription was left."""

from urllib.parse import unquote

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import InvalidInput
from chalicelib.entry.http.page_responses import page_of, paged, refuse_strangers_forms
from chalicelib.entry.pages.session import FORM, comment_of, form_of, reason_of
from chalicelib.runtime import links, wiring
from chalicelib.usecases.billing.cancellation import give_feedback

bp = Blueprint(__name__)


@bp.route("/feedback/{token}", methods=["GET"])
@paged
def show_question(token: str) -> Response:
    """The question, with what was answered before."""
    from chalicelib.pages.cancellation import REASONS

    link, account = links.open_link(unquote(token), "feedback")
    known = account.feedback.get(link.about)
    return page_of(
        200,
        "feedback",
        reasons=REASONS,
        answer=known.answer if known else "",
        comment=known.comment if known else "",
    )


@bp.route("/feedback/{token}", methods=["POST"], content_types=FORM)
@paged
def answer(token: str) -> Response:
    """Once for an occasion; it may be changed for a day."""
    refuse_strangers_forms(bp.current_request)
    link, account = links.open_link(unquote(token), "feedback")
    form = form_of(bp.current_request)
    reason = reason_of(form)
    if reason is None:
        raise InvalidInput("Please choose one of the answers on the page.", "reason")
    if give_feedback(account, link.about, reason, comment_of(form), wiring.services()):
        return page_of(
            200,
            "message",
            title="Thank you",
            text="Your answer helps us. You may change it until tomorrow, by the same link.",
        )
    return page_of(
        200, "message", title="Thank you", text="You had answered already, and we have kept that."
    )
