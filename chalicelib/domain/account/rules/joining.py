"""The rule by which one account takes in another one: both are of one customer, as an operator has
decided.
"""

from collections.abc import Mapping
from datetime import date
from typing import TypeVar

from chalicelib.domain.account.cancellation import ContractWithdrawn
from chalicelib.domain.account.operations import pending
from chalicelib.domain.account.parts.figures import FigureRecord
from chalicelib.domain.account.rules.customer import apply_withdrawal
from chalicelib.domain.account.state import Account
from chalicelib.domain.bounds import most
from chalicelib.domain.errors import NotPossible, TooMany
from chalicelib.values import replace

V = TypeVar("V")


def before_joining(account: Account, address: str | None) -> Account:
    """The account that a customer with this address is about to join. It remembers the customer
    that it came from, so that its address never becomes that of the one that joins. Only one that
    has the address already may be the one that Billhook created for the signup.
    """
    if account.origin is not None:
        return account
    typed = {account.email, account.signup.email if account.signup else None} - {None}
    if not account.customers and address in typed:
        return account
    return replace(account, origin=account.origin_id or "")


def absorb(account: Account, absorbed: Account) -> Account:
    """The account with all that is known of the other one's Stripe customers, and with what was
    done for it: what the account has itself stays. Its address and its profile do not change.

    Everything of these customers has to be fetched. Raises TooMany if the customers or the
    subscriptions are more than an account takes, and NotPossible if the other account has a signup,
    another id of the product, or an operation that waits.
    """
    _refuse_loss(account, absorbed)
    both = replace(
        before_joining(account, None),
        profile=replace(
            account.profile,
            external_id=account.profile.external_id or absorbed.profile.external_id,
        ),
        customers=_both(account.customers, absorbed.customers),
        subscriptions=_both(account.subscriptions, absorbed.subscriptions),
        others=_both(account.others, absorbed.others),
        ours=tuple(sorted({*account.ours, *absorbed.ours})),
        price_keys=_both(account.price_keys, absorbed.price_keys),
        ended=_both(account.ended, absorbed.ended),
        invoices=_both(account.invoices, absorbed.invoices),
        payments=_both(account.payments, absorbed.payments),
        settled_invoices=tuple(
            dict.fromkeys((*account.settled_invoices, *absorbed.settled_invoices))
        ),
        cards=_both(account.cards, absorbed.cards),
        disputes=_both(account.disputes, absorbed.disputes),
        charged_back=_both(account.charged_back, absorbed.charged_back),
        milestones=_both(account.milestones, absorbed.milestones),
        milestones_by={
            name: by
            for name, by in {**absorbed.milestones_by, **account.milestones_by}.items()
            if name not in account.reported_by_product | absorbed.reported_by_product
        },
        grants=tuple(
            sorted(
                {*account.grants, *absorbed.grants},
                key=lambda grant: (grant.until, grant.plan or "", grant.note),
            )
        ),
        recurring=_both(account.recurring, absorbed.recurring),
        recurring_since=max(
            (at for at in (account.recurring_since, absorbed.recurring_since) if at),
            default=None,
        ),
        discounts=_both(account.discounts, absorbed.discounts),
        trial=account.trial or absorbed.trial,
        figures=_both_figures(account.figures, absorbed.figures),
        mails=_both(account.mails, absorbed.mails),
        feedback=_both(account.feedback, absorbed.feedback),
        errands=_both(account.errands, absorbed.errands),
        alternatives=_both(account.alternatives, absorbed.alternatives),
        own_pause=account.own_pause or absorbed.own_pause,
        debit_returned_at=min(
            (at for at in (account.debit_returned_at, absorbed.debit_returned_at) if at),
            default=None,
        ),
        debit_failed_at=max(
            (at for at in (account.debit_failed_at, absorbed.debit_failed_at) if at),
            default=None,
        ),
        # One instance stays. The other one is deleted by nobody: `ops instances drift` shows it.
        instance=account.instance if _has_instance(account) else absorbed.instance,
        outbox=(*account.outbox, *absorbed.outbox),
        worker_outbox=(*account.worker_outbox, *absorbed.worker_outbox),
    )
    if absorbed.withdrawn_at:  # who withdraws again within a year is known by it
        both = apply_withdrawal(
            both, ContractWithdrawn(absorbed.withdrawn_at, absorbed.withdrawn_refund)
        )
    for request in absorbed.asks:
        both = both.with_fetch(request)
    return both


def _both_figures(first: FigureRecord | None, second: FigureRecord | None) -> FigureRecord | None:
    """What was found of both, as of a customer since the earlier first day. The next version finds
    what both bring in together.
    """
    if first is None or second is None:
        return first or second
    begun = [one for one in (first, second) if one.since]
    earlier = min(begun, key=lambda one: one.since or date.max, default=first)
    return FigureRecord(
        earlier.since,
        earlier.kept,
        _both(first.endings, second.endings),
        _both(first.messages, second.messages),
    )


def _has_instance(account: Account) -> bool:
    return account.instance is not None and account.instance.status != "deleted"


def _refuse_loss(account: Account, absorbed: Account) -> None:
    ids = {account.profile.external_id, absorbed.profile.external_id} - {None}
    if absorbed.signup or len(ids) > 1:
        raise NotPossible(
            f"Account {absorbed.id} has a signup or an id of your product of its own: it stays as"
            " it is. Dismiss the join."
        )
    if pending(absorbed.errands):
        raise NotPossible(
            f"An operation of account {absorbed.id} waits for Stripe: try again in a few minutes."
        )
    for what in ("customers", "subscriptions"):
        number = len({**getattr(account, what), **getattr(absorbed, what)})
        if number > most(what):
            raise TooMany(f"An account takes at most {most(what)} {what}: these would be {number}.")


def _both(first: Mapping[str, V], second: Mapping[str, V]) -> dict[str, V]:
    """The values of both, the first's where both have one, and the first's before the others."""
    return {**first, **{key: value for key, value in second.items() if key not in first}}
