"""Give an account to a customer of Stripe's that has none yet: it was created in the dashboard, by
another integration, or before Billhook was installed.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from chalicelib.domain.account.facts import (
    CustomerSnapshot,
    DiscountSnapshot,
    SubscriptionSnapshot,
)
from chalicelib.domain.account.joins import NamedAccount, RefusedJoin, may_join
from chalicelib.domain.account.ordering import FromEvent, FromFetch
from chalicelib.domain.account.pointers import tombstone_of_account, tombstone_of_customer
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.rules.joining import before_joining
from chalicelib.domain.account.state import Account
from chalicelib.domain.bounds import most
from chalicelib.domain.changes.domain_events import RECENT
from chalicelib.domain.errors import AccountTaken, ConcurrentUpdate
from chalicelib.domain.ids import well_formed
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.schedule.expected_updates import fetching_all_of
from chalicelib.domain.schedule.versions import next_version
from chalicelib.domain.stripe_objects.answers import CustomerAnswer, SubscriptionAnswer
from chalicelib.domain.stripe_objects.objects import Customer, Item, Subscription
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.ingestion.named_accounts import LONG_AGO, Evidence, NamedAccounts
from chalicelib.usecases.services import Services
from chalicelib.usecases.writing import retry_on_lost_race
from chalicelib.values import frozen, replace


def derived_id(customer: str) -> str:
    """The id of an account that no metadata names, or that is adopted apart from the one that it
    does, so that two who adopt the same customer at once choose the same.
    """
    return f"acc_{customer.removeprefix('cus_')}"


def probable_account(one: Evidence) -> str:
    """The account that the customer most likely has."""
    return (
        one.account_id
        if one.account_id and well_formed(one.account_id)
        else derived_id(one.customer or "")
    )


def adopt(
    customer: str, evidence: Iterable[Evidence], services: Services, fetcher: StripeFetcher
) -> Account | None:
    """The account of `customer`, which is created, or an existing one that the customer may join
    (domain/account/joins.py); None if the evidence does not make it ours.

    Only a customer or a subscription is evidence. A discount alone is a reason to ask Stripe for
    them: it tells once what it takes off, and may be over before they are heard of.

    Everything older than a day counts as history: nobody is written to about it. An erased account
    is not created again; its late events are counted and ignored. Stripe is asked whose the
    customer is only if a fresh event does not tell.
    Raises Unavailable, Refused.
    """
    found = list(evidence)
    ours = [one for one in found if adopts(one, services.policy)]
    if not ours:
        discounted = any(isinstance(one.fact, DiscountSnapshot) for one in found)
        return _adopt_discounted(customer, services, fetcher) if discounted else None
    began = services.clock.now().replace(microsecond=0)
    reported = _newest_report(customer, ours)
    if reported is None:
        return _adopt_as_found(customer, ours, began, services, fetcher)
    answer, seen = reported
    fetcher.is_new(customer)
    names = NamedAccounts(customer, answer, ours, services, fetcher)
    adoption = _Adoption(
        customer,
        answer,
        seen,
        began - RECENT,
        services,
        lambda: _adopt_as_found(customer, ours, began, services, fetcher),
    )
    return _counted(adoption.run(names), ours, services)


def _adopt_discounted(customer: str, services: Services, fetcher: StripeFetcher) -> Account | None:
    """The account of a customer of which only a discount is known, if one of its subscriptions at
    Stripe is ours. Raises Unavailable, Refused.
    """
    began = services.clock.now().replace(microsecond=0)
    found, subscriptions = fetcher.whose(customer)
    if (
        found is None
        or found.deleted
        or not any(_is_sold_by(one, services.policy) for one in subscriptions or ())
    ):
        return None
    names = NamedAccounts(customer, found, [], services, fetcher, subscriptions)
    seen = _seen(customer, found, began)
    return _Adoption(customer, found, seen, began - RECENT, services).run(names)


def _is_sold_by(one: SubscriptionAnswer, policy: Policy) -> bool:
    items = one.state.items if isinstance(one.state, Subscription) else ()
    return is_ours(one.account_id, items, policy)


def _adopt_as_found(
    customer: str,
    ours: Sequence[Evidence],
    began: datetime,
    services: Services,
    fetcher: StripeFetcher,
) -> Account | None:
    by_subscription = any(isinstance(one.fact, SubscriptionSnapshot) for one in ours)
    found, subscriptions = fetcher.whose(customer) if by_subscription else (None, None)
    found = found or fetcher.put(lambda: services.stripe.reader.customer(customer))
    if found is None and all(_stale(one) for one in ours):
        return None
    names = NamedAccounts(customer, found, ours, services, fetcher, subscriptions)
    seen = _seen(customer, found, began)
    adoption = _Adoption(customer, found, seen, began - RECENT, services)
    return _counted(adoption.run(names), ours, services)


def _counted(
    account: Account | None, ours: Sequence[Evidence], services: Services
) -> Account | None:
    if account is None:
        services.metrics.count("EventsOfErased", len(ours))
    return account


def adopt_old(customer: str, services: Services, fetcher: StripeFetcher) -> Account | None:
    """The account of a customer that Stripe has had for a while, created or joined; None if Stripe
    no longer knows it, or it was deleted or erased.

    Everything before now counts as history. Raises Unavailable, Refused.
    """
    now = services.clock.now()
    found, subscriptions = fetcher.whose(customer)
    found = found or fetcher.put(lambda: services.stripe.reader.customer(customer))
    if found is None or found.deleted:
        return None
    names = NamedAccounts(customer, found, [], services, fetcher, subscriptions)
    seen = _seen(customer, found, now.replace(microsecond=0))
    return _Adoption(customer, found, seen, now, services).run(names)


@frozen
class _Adoption:
    """The adoption of a customer. `found` is what Stripe answered, or what a fresh event tells,
    and `seen` the same as a fact; what happened before `history_until` is history.

    `otherwise` adopts by what Stripe answers, where an event was not enough.
    """

    customer: str
    found: CustomerAnswer | None
    seen: CustomerSnapshot
    history_until: datetime
    services: Services
    otherwise: Callable[[], Account | None] | None = None

    def run(self, names: NamedAccounts) -> Account | None:
        """The account, created if there is none yet; None if it was erased. A customer that may not
        join the account that it names gets one of its own, and so does one that names an account
        which is full of customers.

        The customer's pointer is written before everything of the customer is fetched. So events
        that came too early to be kept are in the fetched state, and later ones find the account.
        """
        return retry_on_lost_race(
            derived_id(self.customer), lambda: self._attempt(names), self.services
        )

    def _attempt(self, names: NamedAccounts) -> Account | None:
        named = names.first
        if named is None:
            return self._apart()
        account = self._load(named.id)
        if account and not self._may_join(account, named):
            if self.otherwise:
                return self.otherwise()
            refused, named = named, names.proved_by_a_subscription
            if named is None:
                return self._apart(RefusedJoin(refused.id, self.services.clock.now()))
            account = self._load(named.id)
        if account and self.customer not in account.customers and _is_full(account):
            return self._apart()
        return self._saved(account or self._new(named.id))

    def _apart(self, refused: RefusedJoin | None = None) -> Account | None:
        """The customer's own account. Whoever knows the customer's id could have made one of that
        name before, which is not the customer's.
        """
        own = derived_id(self.customer)
        account = self._load(own)
        if account and self.customer not in account.customers:
            own = f"{own}_{self.services.proof_of(own)[:12]}"
            account = self._load(own)
        return self._saved(account or self._new(own), refused)

    def _may_join(self, account: Account, named: NamedAccount) -> bool:
        proved_address = account.email if account.email_proved else None
        return self.customer in account.customers or may_join(named, self._address, proved_address)

    @property
    def _address(self) -> str | None:
        state = self.found.state if self.found else None
        return state.email if isinstance(state, Customer) else None

    def _load(self, id: str) -> Account | None:
        return self.services.stores.accounts.load(id)

    def _new(self, id: str) -> Account:
        return Account(id, history_until=self.history_until, origin=self.customer)

    def _saved(self, account: Account, refused: RefusedJoin | None = None) -> Account | None:
        """The account with the customer; None if either was erased."""
        if self.customer in account.customers:
            return account
        services = self.services
        # After the load: if the account is gone because it was just erased, its tombstone is there.
        if services.stores.accounts.erased(
            {tombstone_of_account(account.id), tombstone_of_customer(self.customer)}
        ):
            return None
        new = next_version(
            account,
            self._joined(account, refused),
            services.policy,
            services.clock.now(),
            services.comes_again,
        )
        try:
            services.stores.accounts.save(account, new)
        except AccountTaken as taken:
            owners = services.stores.accounts.of_customers({self.customer: account.id})
            if self.customer not in owners:
                raise ConcurrentUpdate(
                    "The account that had the customer was just erased."
                ) from taken
            return owners[self.customer]
        services.metrics.count("JoinsRefused", int(refused is not None))
        return new

    def _joined(self, account: Account, refused: RefusedJoin | None) -> Account:
        if account.version:
            account = before_joining(account, self._address)
        updated = apply(account, self.seen)
        if self.found:
            updated = fetching_all_of(updated, self.customer)
        return replace(updated, refused_join=refused) if refused else updated


def _is_full(account: Account) -> bool:
    """Whether the account takes no more customers."""
    return len(account.customers) >= most("customers")


def adopts(one: Evidence, policy: Policy) -> bool:
    """Whether this alone makes its customer ours: by an account id in the metadata, or by a plan of
    the catalogue.
    """
    match one.fact:
        case CustomerSnapshot():
            return is_ours(one.account_id, (), policy)
        case SubscriptionSnapshot(subscription):
            return is_ours(one.account_id, subscription.items, policy)
    return False


def is_ours(account_id: str | None, items: Iterable[Item], policy: Policy) -> bool:
    """Whether a customer or a subscription makes its customer ours: by the account id in its
    metadata, or by a plan among its items.
    """
    return well_formed(account_id) or policy.plan_of(items)[0] is not None


def _stale(one: Evidence) -> bool:
    return (
        isinstance(one.fact, CustomerSnapshot | SubscriptionSnapshot)
        and isinstance(one.fact.source, FromEvent)
        and one.fact.source.stale
    )


def _newest_report(
    customer: str, ours: Sequence[Evidence]
) -> tuple[CustomerAnswer, CustomerSnapshot] | None:
    """The customer by its newest event, if all of its events are fresh and name the same account:
    then nothing has to be asked before it is adopted. What was at Stripe since is fetched once the
    pointer is written.
    """
    reports = [(one, one.fact) for one in ours if isinstance(one.fact, CustomerSnapshot)]
    fresh = [
        (fact.source.created, one, fact)
        for one, fact in reports
        if isinstance(fact.source, FromEvent)
        and not fact.source.stale
        and not fact.customer.deleted
    ]
    named = {one.account_id for _, one, _ in fresh}
    if not fresh or len(fresh) < len(reports) or len(named) > 1:
        return None
    _, newest, fact = max(fresh, key=lambda found: found[0])
    answer = CustomerAnswer(customer, newest.account_id, fact.customer, newest.account_proof)
    return answer, fact


def _seen(customer: str, found: CustomerAnswer | None, began: datetime) -> CustomerSnapshot:
    """The customer as Stripe answered. If Stripe does not know it any more, or this release cannot
    read it (the fetch that follows counts that), it is empty and older than any event.
    """
    if found and isinstance(found.state, Customer):
        return CustomerSnapshot(found.state, FromFetch(began, ""), discounts=found.discounts)
    return CustomerSnapshot(Customer(customer), FromEvent(LONG_AGO))
