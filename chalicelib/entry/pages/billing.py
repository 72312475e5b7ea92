"""The customer's own pages, opened by links: welcome and billing, the way to Stripe's Checkout and
portal, and back.
"""

from urllib.parse import unquote

from chalice.app import Blueprint, Response

from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import AlreadySubscribed, BillhookError, Unavailable
from chalicelib.domain.security.links import LinkRefused
from chalicelib.entry.http.page_responses import led_to, page_of, paged
from chalicelib.entry.http.responses import query_of
from chalicelib.entry.http.signup_form import email_of
from chalicelib.entry.http.signups import source_address
from chalicelib.entry.pages.session import FORM, back_to, billing_page_of, form_of, visitor
from chalicelib.runtime import links, wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.settings import settings
from chalicelib.usecases.accounts.abuse_guard import within_limits
from chalicelib.usecases.accounts.record import record_proof, record_sign_in
from chalicelib.usecases.accounts.sign_up import enqueue_sign_in
from chalicelib.usecases.billing.checkout import (
    finish_checkout,
    open_checkout,
    open_portal,
    paper_of,
)

bp = Blueprint(__name__)


@bp.route("/welcome/{token}", methods=["GET"])
@paged
def open_welcome(token: str) -> Response:
    """Into a cookie with the token, and out of the address."""
    _, account = links.open_link(unquote(token), "welcome")
    return back_to("/welcome", cookie=links.cookie("welcome-visit", account))


@bp.route("/welcome", methods=["GET"])
@paged
def show_welcome() -> Response:
    """Your trial runs until …, and what to do first. Nothing here is private: who sees it has only
    typed the address.
    """
    from chalicelib.pages.customer import welcome_view

    account = visitor(bp.current_request, "welcome-visit")
    return page_of(200, "welcome", **welcome_view(account, wiring.policy(), clock.now()))


@bp.route("/billing/{token}", methods=["GET"])
@paged
def open_billing(token: str) -> Response:
    """A link that was mailed: the first one that is opened proves the address."""
    _, account = links.open_link(unquote(token), "billing")
    return _entered(record_proof(account, wiring.services()))


@bp.route("/sign-in/{token}", methods=["GET"])
@paged
def sign_in(token: str) -> Response:
    """A link that somebody asked for: it opens the billing page, once."""
    _, account = links.open_link(unquote(token), "sign-in")
    return _entered(record_sign_in(account, wiring.services()))


@bp.route("/sign-in", methods=["POST"], content_types=FORM)
@paged
def ask_for_link() -> Response:
    """Have a sign-in link mailed. The answer, and what is done before it, is the same whether the
    address is known or not.
    """
    policy = wiring.policy().signup
    if policy is None:
        raise LinkRefused(links.DOES_NOT_WORK)
    email = email_of(
        form_of(bp.current_request), wiring.policy(), in_test=settings().stage == "local"
    )
    within_limits(
        email, source_address(bp.current_request), policy, wiring.signup_guard(), clock.now()
    )
    enqueue_sign_in(email, wiring.services())
    return back_to("/check-your-inbox")


@bp.route("/check-your-inbox", methods=["GET"])
@paged
def show_check_inbox() -> Response:
    """We have written to you, if we know you."""
    return page_of(200, "check_inbox", mailed=True)


@bp.route("/billing", methods=["GET"])
@paged
def show_billing() -> Response:
    """What you have, until when, the card, the invoices."""
    account = visitor(bp.current_request)
    return _billing(account, query_of(bp.current_request).get("notice"))


@bp.route("/billing/checkout", methods=["POST"], content_types=FORM)
@paged
def go_to_checkout() -> Response:
    """To Stripe's page: to give a card, to buy, or to come back."""
    account, form = visitor(bp.current_request), form_of(bp.current_request)
    try:
        url = open_checkout(
            account.id,
            form.get("plan"),
            form.get("interval"),
            None,
            links.checkout_urls,
            wiring.services(),
        )
    except AlreadySubscribed:
        return back_to("/billing", "already_subscribed")
    return led_to(url)


@bp.route("/billing/portal", methods=["POST"], content_types=FORM)
@paged
def go_to_portal() -> Response:
    """To Stripe's portal."""
    account = visitor(bp.current_request)
    return led_to(open_portal(account.id, f"{links.base_url()}/billing", wiring.services()))


@bp.route("/billing/invoices/{invoice_id}", methods=["GET"])
@paged
def open_invoice(invoice_id: str) -> Response:
    """On to Stripe's page of an invoice, where its receipt is too. The address that Stripe once
    gave of it ends after some weeks: it is asked for.
    """
    return led_to(
        paper_of(visitor(bp.current_request), invoice_id, "hosted_invoice_url", wiring.services())
    )


@bp.route("/billing/invoices/{invoice_id}/pdf", methods=["GET"])
@paged
def open_pdf(invoice_id: str) -> Response:
    """The invoice as Stripe printed it."""
    return led_to(
        paper_of(visitor(bp.current_request), invoice_id, "invoice_pdf", wiring.services())
    )


@bp.route("/billing/return/{token}", methods=["GET"])
@paged
def come_back(token: str) -> Response:
    """Back from Checkout: what Stripe says of the session is taken in before anything is called
    done.
    """
    _, account = links.open_link(unquote(token), "return")
    session_id = query_of(bp.current_request).get("session_id", "")
    if (
        not session_id.isascii()
        or not session_id.replace("_", "").isalnum()
        or len(session_id) > 255
    ):
        raise LinkRefused(links.DOES_NOT_WORK)
    try:
        notice = finish_checkout(account.id, session_id, wiring.services())
    except Unavailable:
        notice = "pending"
    except BillhookError as error:
        raise LinkRefused(links.DOES_NOT_WORK) from error
    try:
        visiting = (
            links.visitor(bp.current_request.headers.get("cookie"), "billing-visit").id
            == account.id
        )
    except LinkRefused:
        visiting = False
    if visiting:
        return back_to("/billing", notice)
    title, text = RETURNED[notice]
    return page_of(200, "message", title=title, text=text)


RETURNED = {
    "card_saved": ("Your card is saved", "You can close this page."),
    "subscribed": ("Thank you", "Your subscription has begun. You can close this page."),
    "pending": (
        "Almost done",
        "Stripe has it, and we will within a minute. You can close this page.",
    ),
    "canceled": ("Nothing was changed", "You can close this page, or go back and try again."),
}
"""What is said to who comes back without the billing page's cookie: sent to Checkout by the
product.
"""


def _billing(account: Account, notice: str | None) -> Response:
    from chalicelib.pages.customer import billing_view

    view = billing_view(account, wiring.policy(), clock.now(), notice)
    return billing_page_of("billing", **view)


def _entered(account: Account) -> Response:
    return back_to("/billing", cookie=links.cookie("billing-visit", account))
