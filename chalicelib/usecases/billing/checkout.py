"""Checkout at Stripe: one open session for an account, so that two tabs or a double click buy once.
When the customer comes back, the result is fetched from Stripe at once.
"""

from collections.abc import Callable

from chalicelib.domain.account.facts import CheckoutCompleted, CheckoutUpdated
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.links import link_to
from chalicelib.domain.account.parts.checkout import Checkout, next_checkout
from chalicelib.domain.account.queries import customer_for
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.checkout_rules import order_of
from chalicelib.domain.billing.plan_requests import PurchaseRequest
from chalicelib.domain.billing.selling import keys_for
from chalicelib.domain.billing.stripe_requests import NewCheckout
from chalicelib.domain.errors import (
    AccountNotFound,
    ConcurrentUpdate,
    InvalidInput,
    OutcomeUnknown,
    Refused,
    StripeRefused,
    Unavailable,
)
from chalicelib.domain.schedule.versions import next_version
from chalicelib.domain.security.links import Link
from chalicelib.domain.stripe_objects.answers import CheckoutSession
from chalicelib.usecases.billing.completed_checkout import belongs, expire_sessions
from chalicelib.usecases.billing.run_operation import run_operation
from chalicelib.usecases.billing.start_trial import find_trial, with_customer
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.publishing import without_published
from chalicelib.usecases.reading import require_account
from chalicelib.usecases.services import Services
from chalicelib.usecases.writing import TRIES, retry_on_lost_race
from chalicelib.values import replace

EVERYTHING = ("customer", "subscriptions", "invoices")
"""What is fetched of a customer who comes back: a purchase changes all of it."""

Returns = Callable[[Link], tuple[str, str]]
"""The URLs to which Stripe returns a customer from a Checkout: after it was completed, made of a
link for that, and after it was canceled.
"""

RETURNS = {
    "card_saved": "The card is on file.",
    "subscribed": "The purchase is known.",
    "pending": "Stripe has it, and Billhook will within a minute.",
    "canceled": "The customer came back without completing it.",
    "refused": "Stripe refuses to use the card.",
}
"""The result of a Checkout when the customer is back."""


def open_checkout(
    account_id: str, request: PurchaseRequest, returns: Returns, services: Services
) -> str:
    """The URL of the account's Checkout at Stripe: of the open session if it is for the same order,
    else of a new one that replaces it. If another request replaces that meanwhile, the URL of the
    newest one.

    Raises AccountNotFound, AlreadySubscribed, InvalidInput, Unavailable, Refused.
    """

    def begin() -> tuple[Account, Checkout, bool]:
        """The account, its Checkout, and whether that is already open at Stripe."""
        account = _with_customer(require_account(account_id, services.stores.accounts), services)
        order = order_of(account, services.policy, request)
        checkout, now = account.checkout, services.clock.now()
        if checkout and checkout.session and not checkout.closed:
            if not _still_open(account, checkout, services):
                raise ConcurrentUpdate(
                    "It was completed or has expired, which changes what to offer."
                )
            if checkout.offers(order, now) and checkout.url:
                return account, checkout, True
            services.stripe.checkout.expire(checkout.session)
        if checkout is None or not checkout.offers(order, now):
            if checkout and not checkout.session and not checkout.closed:
                _expire_unknown_sessions(account, services)
            checkout = next_checkout(checkout, order, now)
            account = without_published(account, services)
            new = _next(account, checkout, services)
            # The key is saved before it is used: a call beside or after this one uses the same key.
            services.stores.accounts.save(account, new)
            account = new
        return account, checkout, False

    for _ in range(TRIES):
        account, checkout, is_open = retry_on_lost_race(account_id, begin, services)
        url = str(checkout.url) if is_open else _create(account, checkout, returns, services)
        if url:
            return url
    raise Unavailable(f"Other Checkouts of account {account_id} were faster {TRIES} times.")


def finish_checkout(account_id: str, session_id: str, services: Services) -> str:
    """The result of a Checkout, one of RETURNS. Saves what it changed at Stripe. Raises
    AccountNotFound for a session that is not this account's, Unavailable, Refused.
    """
    account = require_account(account_id, services.stores.accounts)
    session = services.stripe.checkout.session(session_id)
    if session is None or not belongs(session, account):
        raise AccountNotFound("There is no such Checkout.", "session_id")
    return _finished(account, session, services)


def open_portal(account_id: str, return_url: Callable[[Account], str], services: Services) -> str:
    """The URL of Stripe's portal for this account, from which `return_url` leads back. Raises
    AccountNotFound, Unavailable, Refused.
    """
    account = _with_customer(require_account(account_id, services.stores.accounts), services)
    customer = customer_for(account)
    if customer is None:
        raise Unavailable("The account is not known to Stripe yet. Please try again in a minute.")
    return services.stripe.customers.open_portal(customer.id, return_url(account))


def invoice_url(account: Account, invoice_id: str, services: Services, pdf: bool = False) -> str:
    """The URL of an invoice's page at Stripe, or of its PDF where there is one, as it is now.

    Raises AccountNotFound for an invoice that is not this account's, Unavailable, Refused.
    """
    known = account.invoices.get(invoice_id)
    invoices = services.stripe.reader.invoices_of(known.value.customer) if known else []
    found = next((one for one in invoices if one.id == invoice_id), None)
    url = found and ((pdf and found.pdf_url) or found.page_url)
    if not url:
        raise AccountNotFound("There is no such invoice.", "invoice_id")
    return url


def _with_customer(account: Account, services: Services) -> Account:
    """The account with a customer at Stripe, a new one if its last one was deleted there. A trial
    that has to be started is started first.
    """
    account = run_operation(account, "trial", services)
    if customer_for(account) is None:
        # A customer may have been created that could not be saved.
        find_trial(account, services)
        account = require_account(account.id, services.stores.accounts)
        account = with_customer(
            account, f"{account.id}:customer:again:{len(account.customers)}", services
        )
    return account


def _still_open(account: Account, checkout: Checkout, services: Services) -> bool:
    """Whether the session can be completed; if not, its result is saved."""
    session = services.stripe.checkout.session(str(checkout.session))
    if session is not None and session.status == "open":
        return True
    if session is not None and session.status == "complete" and belongs(session, account):
        _finished(account, session, services)
    else:
        apply_facts(
            account,
            [CheckoutUpdated(replace(checkout, closed=True))],
            services,
            StripeFetcher(services),
        )
    return False


def _expire_unknown_sessions(account: Account, services: Services) -> None:
    """Expire the account's open sessions, if a request may have created one that is not saved: it
    failed, or it is still under way. It must not be completed beside another.
    """
    customer = customer_for(account)
    if customer:
        expire_sessions(account, customer.id, services)


def _create(
    account: Account, checkout: Checkout, returns: Returns, services: Services
) -> str | None:
    """The URL of the session that Stripe creates for this Checkout, or of the newest one if another
    request replaced it meanwhile. None if none can be used any more, such as after a purchase.
    """
    customer = customer_for(account)
    if customer is None:
        raise Unavailable("The account is not known to Stripe yet. Please try again in a minute.")
    try:
        session = services.stripe.checkout.create(
            f"{account.id}:checkout:{checkout.number}",
            _new_checkout(account, customer.id, checkout, returns, services),
        )
    except (OutcomeUnknown, Refused, InvalidInput) as failure:
        # The key is used up. After a refusal there is no session, else there may be one.
        unknown = isinstance(failure, OutcomeUnknown)
        used_up = replace(checkout, doubtful=unknown, closed=not unknown)
        apply_facts(account, [CheckoutUpdated(used_up)], services, StripeFetcher(services))
        raise
    done = checkout.with_session(session.id, session.url)
    account = apply_facts(account, [CheckoutUpdated(done)], services, StripeFetcher(services))
    newest = account.checkout
    if newest and newest.session == session.id and not newest.closed:
        return session.url
    # Only what is the account's Checkout when it is saved is handed out: whoever replaces it from
    # now on knows the session, and expires it.
    services.stripe.checkout.expire(session.id)
    if newest is None or newest.closed or newest.doubtful:
        return None
    return newest.url or _create(account, newest, returns, services)


def _new_checkout(
    account: Account, customer: str, checkout: Checkout, returns: Returns, services: Services
) -> NewCheckout:
    """The same for every call under the key of this Checkout. A link with another time would be
    another parameter, which Stripe refuses under the same key.
    """
    order = checkout.order
    currency = order.currency or services.policy.currency
    sold = keys_for(services.policy, order.plan or "", currency)
    lookup_key = sold.get(order.interval or "")
    return NewCheckout(
        account.id,
        services.metadata_of(account.id),
        customer,
        order,
        lookup_key,
        currency,
        *returns(link_to(account, "return", checkout.at)),
        services.policy.checkout,
    )


def _finished(account: Account, session: CheckoutSession, services: Services) -> str:
    """The session's result, one of RETURNS; saved if it was completed."""
    if session.status != "complete":
        return "canceled"
    customer = str(session.customer)
    completed = CheckoutCompleted(session.id, session.mode, customer, services.clock.now())
    account = apply_facts(account, [completed], services, StripeFetcher(services))
    try:
        account = run_operation(account, f"card:{session.id}", services)
        account = run_operation(account, f"sessions:{session.id}", services)
    except StripeRefused:
        return "refused"
    except (Unavailable, Refused):
        return "pending"
    account = apply_facts(
        account,
        [FetchRequest(what, customer) for what in EVERYTHING],
        services,
        StripeFetcher(services),
    )
    if account.asks:
        return "pending"
    return "card_saved" if session.mode == "setup" else "subscribed"


def _next(account: Account, checkout: Checkout, services: Services) -> Account:
    return next_version(
        account, apply(account, CheckoutUpdated(checkout)), services.policy, services.clock.now()
    )
