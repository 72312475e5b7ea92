"""The pages where a customer changes name, language, time zone and e-mail address."""

from chalice.app import Blueprint, Response

from chalicelib.domain.account.links import is_fresh
from chalicelib.domain.bounds import most
from chalicelib.domain.errors import AccountTaken, Forbidden
from chalicelib.domain.policy.languages import LANGUAGES
from chalicelib.domain.security.links import LinkRefused
from chalicelib.entry.http.page_responses import (
    html_page,
    message_page,
    page_response,
    refuse_cross_site,
)
from chalicelib.entry.http.schemas.request import Field, line, one_of, read_fields, time_zone
from chalicelib.entry.http.signups.form import email_of
from chalicelib.entry.pages.session import (
    FORM,
    billing_page,
    form_of,
    opened,
    redirect_to,
    visit,
    visitor,
)
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.settings import settings
from chalicelib.usecases.accounts.abuse_guard import admit_new_address
from chalicelib.usecases.accounts.change_email import (
    ask_for_address,
    change_details,
    confirm_address,
    requested_change,
    undo_address,
)

DETAILS = (
    Field("name", line(most("name")), "The customer's name."),
    Field("timezone", time_zone(), "The customer's time zone."),
    Field("language", one_of(LANGUAGES), "The customer's language."),
)
"""The fields of the form. One that is left empty stays as it is."""

bp = Blueprint(__name__)


@bp.route("/billing/details", methods=["GET"])
@html_page
def show_details() -> Response:
    """Show name, language, time zone and e-mail address, to be changed."""
    from chalicelib.pages.details import details_view

    account = visitor(bp.current_request)
    return billing_page("details", **details_view(account, wiring.policy()))


@bp.route("/billing/details", methods=["POST"], content_types=FORM)
@html_page
def save_details() -> Response:
    """Save name, language and time zone."""
    account, form = visitor(bp.current_request), form_of(bp.current_request)
    filled = {name: value for name, value in form.items() if value.strip()}
    given = {name: value for name, value in read_fields(filled, DETAILS).items() if value}
    change_details(account, given, wiring.services())
    return redirect_to("/billing", "details_saved")


@bp.route("/billing/email", methods=["GET"])
@html_page
def show_email() -> Response:
    """Show the form for a new address, or ask for a fresh sign-in by the present one."""
    session, account = visit(bp.current_request)
    if not is_fresh(session, clock.now()):
        return billing_page("email_sign_in", email=account.email or "")
    return billing_page("email", email=account.email or "")


@bp.route("/billing/email", methods=["POST"], content_types=FORM)
@html_page
def request_email() -> Response:
    """Mail a link to the new address, to confirm it. The response does not depend on whether the
    address is known.
    """
    session, account = visit(bp.current_request)
    policy = wiring.policy().signup
    if policy is None:
        raise Forbidden("Customers do not sign in here: billing.toml has no table [signup].")
    if not is_fresh(session, clock.now()):
        return redirect_to("/billing/email")
    email = email_of(
        form_of(bp.current_request), wiring.policy(), in_test=settings().stage == "local"
    )
    admit_new_address(account.id, wiring.signup_guard(), clock.now())
    ask_for_address(account, email, wiring.services())
    return redirect_to("/billing", "email_asked")


@bp.route("/email-change/{token}", methods=["GET"])
@html_page
def show_email_change(token: str) -> Response:
    """Show a button that makes the address the account's. Changes nothing, because mail scanners
    open every link.
    """
    link, account = opened(token, "email-change")
    change = requested_change(account, link.about, confirmed=False)
    return page_response(200, "email_change", email=change.email)


@bp.route("/email-change/{token}", methods=["POST"], content_types=FORM)
@html_page
def change_email(token: str) -> Response:
    """Make the address the account's."""
    refuse_cross_site(bp.current_request)
    link, account = opened(token, "email-change")
    try:
        confirm_address(account, link, wiring.services())
    except AccountTaken as taken:
        raise LinkRefused from taken
    return message_page(200, "email.changed_heading", "email.changed")


@bp.route("/email-undo/{token}", methods=["GET"])
@html_page
def show_email_undo(token: str) -> Response:
    """Show a button that brings the old address back. Changes nothing."""
    link, account = opened(token, "email-undo")
    change = requested_change(account, link.about, confirmed=True)
    return page_response(200, "email_undo", email=change.before)


@bp.route("/email-undo/{token}", methods=["POST"], content_types=FORM)
@html_page
def undo_email(token: str) -> Response:
    """Bring the old address back. Links that were mailed to the other one end."""
    refuse_cross_site(bp.current_request)
    link, account = opened(token, "email-undo")
    undo_address(account, link, wiring.services())
    return message_page(200, "email.undone_heading", "email.undone")
