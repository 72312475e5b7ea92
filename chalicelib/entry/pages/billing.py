"""The customer's welcome and billing pages, sign-in by link, and the way to Stripe's Checkout and
portal and back.
"""

import contextlib
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from chalice.app import Blueprint, Response

from chalicelib.domain.account.links import (
    SIGNED_IN,
    as_typed,
    is_fresh,
    mark_of,
    signup_behind,
    signups_behind,
)
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.plan_requests import PurchaseRequest
from chalicelib.domain.errors import AccountNotFound, AlreadySubscribed, Unavailable
from chalicelib.domain.instances.shown import instance_url, way_back
from chalicelib.domain.security.browsers import browser_of
from chalicelib.domain.security.links import Link, LinkRefused
from chalicelib.entry.http.middleware.reader import reader_language, recognize
from chalicelib.entry.http.page_responses import (
    html_page,
    known_browser,
    known_cookie,
    page_response,
    redirect,
    refuse_cross_site,
    sign_in_page,
)
from chalicelib.entry.http.responses import query_fields, source_address
from chalicelib.entry.http.signups.form import email_of
from chalicelib.entry.pages.session import (
    FORM,
    billing_page,
    cookie,
    ended_cookie,
    form_of,
    has_session,
    opened,
    redirect_to,
    session_of,
    visit,
    visitor,
)
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.settings import settings
from chalicelib.usecases.accounts.abuse_guard import admit_sign_in
from chalicelib.usecases.accounts.links import end_link, end_links
from chalicelib.usecases.accounts.record import record_proof, record_sign_in
from chalicelib.usecases.accounts.sign_up import enqueue_sign_in
from chalicelib.usecases.billing.checkout import (
    finish_checkout,
    invoice_url,
    open_checkout,
    open_portal,
)
from chalicelib.usecases.billing.pending_changes import pending_changes
from chalicelib.usecases.services import Services

bp = Blueprint(__name__)

Recording = Callable[[Account, Link, int, Services, str], Account]
"""Records the press of a button behind a mailed link, for the signup of a number, by a kind of
browser.
"""


@bp.route("/welcome/{token}", methods=["GET"])
@html_page
def open_welcome(token: str) -> Response:
    """Move the token from the URL into a cookie, and redirect to the welcome page."""
    _, account = opened(token, "welcome")
    return redirect_to("/welcome", cookie=cookie("welcome-visit", account))


@bp.route("/welcome", methods=["GET"])
@html_page
def show_welcome() -> Response:
    """Lead to the customer's instance once it is ready; until then, show how far it is, on a page
    that looks again by itself unless the reader stopped it. Without instances, show when the trial
    ends and the first steps. Shows nothing private, because anyone who types an address into the
    signup form gets here.
    """
    from chalicelib.pages.welcome import welcome_view

    account, policy = _welcomed(bp.current_request), wiring.policy()
    if url := instance_url(account, policy, clock.now()):
        return redirect(url)
    is_stopped = query_fields(bp.current_request).get("looks") == "stopped"
    view = welcome_view(account, policy, clock.now(), reader_language(), is_stopped)
    return page_response(200, "welcome", **view)


@bp.route("/billing/{token}", methods=["GET"])
@html_page
def show_billing_link(token: str) -> Response:
    """Show a button that opens the billing page. Changes nothing, because mail scanners open every
    link.
    """
    return _entrance(token, "billing")


@bp.route("/billing/{token}", methods=["POST"], content_types=FORM)
@html_page
def open_billing(token: str) -> Response:
    """Open the billing page with a link in mail. The first time proves the address."""
    refuse_cross_site(bp.current_request)
    link, account = opened(token, "billing")
    return _pressed(link, account, record_proof)


@bp.route("/sign-in/{token}", methods=["GET"])
@html_page
def show_sign_in_link(token: str) -> Response:
    """Show a button that signs in. Changes nothing, because mail scanners open every link."""
    return _entrance(token, "sign-in")


@bp.route("/sign-in/{token}", methods=["POST"], content_types=FORM)
@html_page
def sign_in(token: str) -> Response:
    """Sign in with a requested link. It works once."""
    refuse_cross_site(bp.current_request)
    link, account = opened(token, "sign-in")
    return _pressed(link, account, record_sign_in)


@bp.route("/sign-in", methods=["GET"])
@html_page
def show_sign_in() -> Response:
    """Show the form for a sign-in link. Whoever has a session is led on at once."""
    if wiring.policy().signup is None:
        raise LinkRefused
    if has_session(bp.current_request):
        return redirect_to("/billing")
    return sign_in_page(200, "sign_in.ask_heading", "sign_in.ask_detail")


@bp.route("/sign-in", methods=["POST"], content_types=FORM)
@html_page
def request_sign_in() -> Response:
    """Mail a sign-in link. The response, and the work before it, does not depend on whether the
    address has an account. No address is refused here: a stranger could have it refused.
    """
    refuse_cross_site(bp.current_request)
    policy = wiring.policy().signup
    if policy is None:
        raise LinkRefused
    email = email_of(
        form_of(bp.current_request), wiring.policy(), in_test=settings().stage == "local"
    )
    address, known = source_address(bp.current_request), known_browser(bp.current_request)
    admit_sign_in(address, known, policy, wiring.signup_guard(), clock.now())
    enqueue_sign_in(email, wiring.services())
    return redirect_to("/check-your-inbox")


@bp.route("/check-your-inbox", methods=["GET"])
@html_page
def show_check_inbox() -> Response:
    """Tell the visitor to look for mail."""
    return page_response(200, "check_inbox", mailed=True)


@bp.route("/billing", methods=["GET"])
@html_page
def show_billing() -> Response:
    """Show the plan, the paid period, the card, the invoices, and which links opened the page."""
    session, account = visit(bp.current_request)
    return _billing(session, account, query_fields(bp.current_request).get("notice"))


@bp.route("/billing/checkout", methods=["POST"], content_types=FORM)
@html_page
def go_to_checkout() -> Response:
    """Redirect to Stripe Checkout, to save a card or to buy."""
    account, form = visitor(bp.current_request), form_of(bp.current_request)
    try:
        url = open_checkout(
            account.id,
            PurchaseRequest(form.get("plan"), form.get("interval")),
            wiring.links().checkout_urls,
            wiring.services(),
        )
    except AlreadySubscribed:
        return redirect_to("/billing", "already_subscribed")
    return redirect(url)


@bp.route("/billing/portal", methods=["POST"], content_types=FORM)
@html_page
def go_to_portal() -> Response:
    """Redirect to Stripe's customer portal."""
    account = visitor(bp.current_request)
    return redirect(
        open_portal(
            account.id, lambda account: f"{wiring.links().base_url}/billing", wiring.services()
        )
    )


@bp.route("/billing/invoices/{invoice_id}", methods=["GET"])
@html_page
def open_invoice(invoice_id: str) -> Response:
    """Redirect to Stripe's page of an invoice, which has its receipt too. The URL is fetched each
    time, because Stripe's URLs expire after some weeks.
    """
    return redirect(invoice_url(visitor(bp.current_request), invoice_id, wiring.services()))


@bp.route("/billing/invoices/{invoice_id}/pdf", methods=["GET"])
@html_page
def open_pdf(invoice_id: str) -> Response:
    """Redirect to the PDF of an invoice at Stripe."""
    return redirect(
        invoice_url(visitor(bp.current_request), invoice_id, wiring.services(), pdf=True)
    )


@bp.route("/billing/links/end", methods=["POST"], content_types=FORM)
@html_page
def sign_out_everywhere() -> Response:
    """End every link that was mailed to the customer, and every session, this one too; or the one
    `link` of the form with its sessions.
    """
    session, account = visit(bp.current_request)
    link = form_of(bp.current_request).get("link", "")
    if link:
        end_link(account.id, link, "customer", wiring.services())
    else:
        end_links(account.id, "customer", wiring.services())
    if link and link != mark_of(session):
        return redirect_to("/billing", "link_ended")
    ended = ended_cookie("billing-visit")
    return sign_in_page(200, "signed_out.heading", "signed_out.detail", ended)


@bp.route("/billing/return/{token}", methods=["GET"])
@html_page
def return_from_checkout(token: str) -> Response:
    """Return from Stripe Checkout. Applies the state of the session before it reports success."""
    _, account = opened(token, "return")
    session_id = query_fields(bp.current_request).get("session_id", "")
    if (
        not session_id.isascii()
        or not session_id.replace("_", "").isalnum()
        or len(session_id) > 255
    ):
        raise LinkRefused
    try:
        notice = finish_checkout(account.id, session_id, wiring.services())
    except Unavailable:
        notice = "pending"
    except AccountNotFound as error:
        raise LinkRefused from error
    if session_of(bp.current_request, account.id):
        return redirect_to("/billing", notice)
    return page_response(
        200,
        "message",
        title=f"returned.{notice}.title",
        text=f"returned.{notice}.text",
        back_url=way_back(account, wiring.policy(), clock.now()) or "",
    )


def _entrance(token: str, purpose: str) -> Response:
    """The page with the button that opens the billing page. Whoever has a session of the account is
    led on at once; by a sign-in link that still works, only if another sign-in would give no more.
    """
    link = wiring.links().read(unquote(token), purpose, clock.now())
    session = session_of(bp.current_request, link.account_id)
    if session and (purpose != "sign-in" or is_fresh(session, clock.now())):
        return redirect_to("/billing")
    try:
        link, account = opened(token, purpose)
    except LinkRefused:
        if session:
            return redirect_to("/billing")
        raise
    return _choice(link, account)


def _welcomed(request: Any) -> Account:
    """The account of the newest session that may see the welcome page: one on the billing page may
    too, since the first proof of the address ends what was handed out before. Raises LinkRefused.
    """
    sessions = []
    for purpose in ("welcome-visit", "billing-visit"):
        with contextlib.suppress(LinkRefused):
            sessions.append(visit(request, purpose))
    if not sessions:
        raise LinkRefused
    _, account = max(sessions, key=lambda session: session[0].expires_at or clock.now())
    recognize(account)
    return account


def _pressed(link: Link, account: Account, record: Recording) -> Response:
    """The billing page, once the press of the button is recorded; the welcome page, if a trial
    begins by it and an instance is made for it, or as long as that is being made. If the link's own
    signup is not kept any more, its reader chooses among the others first.
    """
    chosen = form_of(bp.current_request).get("signup", "")
    number = signup_behind(link, account, chosen)
    if number is None and not signups_behind(link, account):
        raise LinkRefused
    if number is None:
        return _choice(link, account)
    browser = browser_of(bp.current_request.headers.get("user-agent", ""))
    waited = account.signup is not None and account.signup.confirm
    account = record(account, link, number, wiring.services(), browser)
    begins = waited and account.signup is not None and not account.signup.confirm
    # With the trial an instance begins to be made, and the customer waits for that one.
    waits = begins or (account.instance is not None and account.instance.is_awaited)
    path = "/welcome" if waits and wiring.policy().instance else "/billing"
    return redirect_to(path, cookie=cookie("billing-visit", account, mark_of(link)))


def _choice(link: Link, account: Account) -> Response:
    from chalicelib.pages.customer import entrance_view

    if signups_behind(link, account):
        recognize(Account(account.id))  # the language of the signups may be a stranger's
    elif link.purpose == SIGNED_IN:
        recognize(as_typed(account, link.about))
    view = entrance_view(account, link, wiring.policy(), reader_language())
    return page_response(200, "open_billing", **view)


def _billing(session: Link, account: Account, notice: str | None) -> Response:
    from chalicelib.pages.customer import billing_view
    from chalicelib.pages.openings import openings_view

    pending = pending_changes(account, wiring.services())
    view = billing_view(
        account, wiring.policy(), clock.now(), notice, reader_language(), list(pending.values())
    )
    openings = openings_view(account, session, wiring.policy(), reader_language())
    return billing_page("billing", cookie=known_cookie(account), **view | {"openings": openings})
