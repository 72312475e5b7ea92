"""Checkout: one at a time for an account, so that two tabs and a double click buy once; and the
pull when the customer comes back.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.account import Account, CheckoutKnown, apply
from chalicelib.domain.agenda import next_version
from chalicelib.domain.checkouts import Checkout, begun, customer_for, opened, order_of
from chalicelib.domain.errors import AccountNotFound, Doubtful, LostRace, Refused, Unavailable
from chalicelib.domain.facts import Ask, CheckoutCompleted
from chalicelib.domain.stripe_requests import NewCheckout
from chalicelib.stripe_api import objects
from chalicelib.stripe_api.transport import Raw
from chalicelib.usecases.absorb import Asker, absorb
from chalicelib.usecases.errands import run_errand
from chalicelib.usecases.give_card import belongs
from chalicelib.usecases.reading import require_account
from chalicelib.usecases.start_trial import find_trial, with_customer
from chalicelib.usecases.world import World
from chalicelib.usecases.writing import retry_on_lost_race

EVERYTHING = ("customer", "subscriptions", "invoices")
"""What is asked of a customer who comes back: a purchase changes all of it."""

Returns = Callable[[Account, datetime], tuple[str, str]]
"""The pages for who completed a Checkout of that moment, and for who did not."""

RETURNS = {
    "card_saved": "The card is on file.",
    "subscribed": "The purchase is known.",
    "pending": "Stripe has it, and Billhook will within a minute.",
    "canceled": "The customer came back without completing it.",
}
"""What a Checkout can have come to when the customer is back."""


def open_checkout(
    account_id: str,
    plan: str | None,
    interval: str | None,
    quantity: int | None,
    returns: Returns,
    world: World,
    currency: str | None = None,
) -> str:
    """The URL of the account's Checkout at Stripe: the one that is open, if it is for the same,
    else a new one in its place.

    Raises AccountNotFound, AlreadySubscribed, InvalidInput, Unavailable, Refused.
    """

    def begin() -> tuple[Account, Checkout, bool]:
        """The account, its Checkout, and whether that is open at Stripe already."""
        account = _with_customer(require_account(account_id, world.accounts), world)
        order = order_of(account, world.policy, plan, interval, quantity, currency)
        checkout, now = account.checkout, world.now()
        if checkout and checkout.session and not checkout.closed:
            if not _still_open(account, checkout, world):
                raise LostRace("It was completed or has expired, which changes what to offer.")
            if checkout.offers(order, now) and checkout.url:
                return account, checkout, True
            world.stripe.checkout.expire(checkout.session)
        if checkout is None or not checkout.offers(order, now):
            if checkout and checkout.doubtful:
                _close_strangers(account, world)
            checkout = begun(checkout, order, now)
            new = _next(account, checkout, world)
            # The key is saved before it is used: a call beside or after this one uses the same key.
            world.accounts.save(account, new)
            account = new
        return account, checkout, False

    account, checkout, is_open = retry_on_lost_race(account_id, begin, world)
    return str(checkout.url) if is_open else _made(account, checkout, returns, world)


def finish_checkout(account_id: str, session_id: str, world: World) -> str:
    """What a Checkout came to, one of RETURNS, with Stripe's answer taken in. Raises
    AccountNotFound for a session that is not this account's.
    """
    account = require_account(account_id, world.accounts)
    session = world.stripe.checkout.session(session_id)
    if session is None or not belongs(session, account):
        raise AccountNotFound("There is no such Checkout.", "session_id")
    return _finished(account, session, world)


def open_portal(account_id: str, return_url: str, world: World) -> str:
    """The URL of Stripe's portal for this account. Raises AccountNotFound, Unavailable, Refused."""
    account = _with_customer(require_account(account_id, world.accounts), world)
    customer = customer_for(account)
    if customer is None:
        raise Unavailable("The account is not known to Stripe yet. Please try again in a minute.")
    return str(world.stripe.customers.open_portal(customer.id, return_url)["url"])


def paper_of(account: Account, invoice_id: str, which: str, world: World) -> str:
    """The address of an invoice's page (`hosted_invoice_url`) or print (`invoice_pdf`) at Stripe,
    as it is now; the page's where there is no print.

    Raises AccountNotFound for an invoice that is not this account's, Unavailable, Refused.
    """
    known = account.invoices.get(invoice_id)
    found = (
        [
            raw
            for raw in world.stripe.reader.invoices_of(known.value.customer)
            if raw.get("id") == invoice_id
        ]
        if known
        else []
    )
    url = next((str(raw.get(which) or raw.get("hosted_invoice_url") or "") for raw in found), "")
    if not url:
        raise AccountNotFound("There is no such invoice.", "invoice_id")
    return url


def _with_customer(account: Account, world: World) -> Account:
    """The account with a customer at Stripe: its trial is started first, if it is still to be."""
    account = run_errand(account, "trial", world)
    if customer_for(account) is None and account.email:
        find_trial(account, world)  # a customer that was made while nobody could write it down
        account = require_account(account.id, world.accounts)
        account = with_customer(
            account, f"{account.id}:customer:again:{len(account.customers)}", world
        )
    return account


def _still_open(account: Account, checkout: Checkout, world: World) -> bool:
    """Whether the session can be completed; if not, what it came to is saved."""
    session = world.stripe.checkout.session(str(checkout.session))
    if session is not None and session.get("status") == "open":
        return True
    if session is not None and session.get("status") == "complete" and belongs(session, account):
        _finished(account, session, world)
    else:
        absorb(account, [CheckoutKnown(replace(checkout, closed=True))], world, Asker(world))
    return False


def _close_strangers(account: Account, world: World) -> None:
    """After a failure that may have made a session which nobody knows: it must not be completed
    beside another.
    """
    customer = customer_for(account)
    for session in world.stripe.checkout.open_sessions(customer.id) if customer else []:
        if belongs(session, account):
            world.stripe.checkout.expire(str(session["id"]))


def _made(account: Account, checkout: Checkout, returns: Returns, world: World) -> str:
    customer = customer_for(account)
    if customer is None:
        raise Unavailable("The account is not known to Stripe yet. Please try again in a minute.")
    try:
        session = world.stripe.checkout.create(
            f"{account.id}:checkout:{checkout.number}",
            _new_checkout(account, customer.id, checkout, returns, world),
        )
    except (Doubtful, Refused):
        absorb(account, [CheckoutKnown(replace(checkout, doubtful=True))], world, Asker(world))
        raise
    done = opened(checkout, str(session["id"]), str(session["url"]))
    absorb(account, [CheckoutKnown(done)], world, Asker(world))
    return str(session["url"])


def _new_checkout(
    account: Account, customer: str, checkout: Checkout, returns: Returns, world: World
) -> NewCheckout:
    """The same for every call under the key of this Checkout: another time in a link would be
    another parameter, which Stripe refuses.
    """
    order = checkout.order
    lookup_key = world.policy.lookup_key(order.plan or "", order.interval or "", order.currency)
    currency = order.currency or world.policy.currency
    return NewCheckout(
        account.id,
        customer,
        order,
        lookup_key,
        currency,
        *returns(account, checkout.at),
        world.policy.checkout,
    )


def _finished(account: Account, session: Raw, world: World) -> str:
    if session.get("status") != "complete":
        return "canceled"
    id, mode, customer = (
        str(session["id"]),
        str(session.get("mode")),
        str(objects.customer_of(session)),
    )
    account = absorb(
        account, [CheckoutCompleted(id, mode, customer, world.now())], world, Asker(world)
    )
    try:
        account = run_errand(account, f"card:{id}", world)
    except (Unavailable, Refused):
        return "pending"
    account = absorb(account, [Ask(what, customer) for what in EVERYTHING], world, Asker(world))
    if account.asks:
        return "pending"
    return "card_saved" if mode == "setup" else "subscribed"


def _next(account: Account, checkout: Checkout, world: World) -> Account:
    return next_version(account, apply(account, CheckoutKnown(checkout)), world.policy, world.now())
