"""Compare all live subscriptions at Stripe with those of the accounts, a part in each run, and
fetch what differs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import cached_property

from chalicelib.domain.account.facts import CustomerSnapshot, SubscriptionSnapshot
from chalicelib.domain.account.fetch_requests import everything_of
from chalicelib.domain.account.ordering import FromFetch
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import ConcurrentUpdate, NewerSchemaVersion, Refused, Unavailable
from chalicelib.domain.reconciliation.comparison import (
    LATELY,
    Comparison,
    Drift,
    drift,
    has_hidden_debt,
    judged,
    not_listed,
    under_way,
)
from chalicelib.domain.reconciliation.credit import unpaid_credit
from chalicelib.domain.stripe_objects.answers import ListedSubscription, ListEntry
from chalicelib.domain.stripe_objects.objects import Invoice
from chalicelib.domain.stripe_objects.pagination import Page
from chalicelib.usecases.ingestion.adopt import adopt, probable_account
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.ingestion.named_accounts import Evidence
from chalicelib.usecases.reconciliation.rate_limit import RateLimiter
from chalicelib.usecases.services import Services
from chalicelib.values import frozen, replace

CALLS_TO_FETCH = 3
"""Calls that fetch a customer, its subscriptions and its invoices."""

CALLS_TO_COUNT = 2
"""Calls that count what a customer ever paid: its invoices and its charges."""

CHECKED_A_STEP = 100
"""How many differences the last phase checks in one step."""


@frozen
class Skipped:
    """A customer that could not be compared, because of `failure`. `account_id` is None if the
    customer's account is not known.
    """

    customer: str
    account_id: str | None
    failure: Exception


@frozen
class Progress:
    """The result of one run: the state of the comparison, the customers that were skipped, and the
    failure that stopped the run, if one did.
    """

    comparison: Comparison
    skipped: tuple[Skipped, ...] = ()
    failure: Exception | None = None


def reconcile(services: Services) -> Progress | None:
    """Continue today's comparison; None if it is done.

    The progress is saved after each page, once everything that differs on it has been fetched. What
    fails now, and what a run does not reach, the next run repeats.
    """
    comparison = under_way(services.stores.job_states.load(Comparison), services.clock.now())
    if comparison is None:
        return None
    run, stopped_by = _Run(services, comparison), None
    try:
        while run.comparison.ended_at is None and run.limiter.goes_on():
            run.save(run.step(run.comparison))
    except ConcurrentUpdate:
        pass  # another run is at work
    except (Unavailable, Refused) as failure:
        services.metrics.count(
            "ListsRefused" if isinstance(failure, Refused) else "ListsUnanswered", 1
        )
        stopped_by = failure
    return Progress(run.comparison, tuple(run.skipped), stopped_by)


@frozen
class FromList:
    """An entry of a list as evidence for adoption; see named_accounts.Evidence."""

    customer: str
    account_id: str | None
    account_proof: str | None = field(repr=False)
    fact: SubscriptionSnapshot | CustomerSnapshot


class _Run:
    """One run's share of a comparison. Each step is one page, and may be repeated. `comparison` is
    the state as last saved; `skipped` are the customers that could not be compared.
    """

    def __init__(self, services: Services, comparison: Comparison) -> None:
        self.comparison, self.limiter = comparison, RateLimiter(services)
        self.skipped: list[Skipped] = []
        self._services, self._fetcher = services, StripeFetcher(services)
        self._began = comparison.began

    def save(self, following: Comparison) -> None:
        """Save the progress. Raises ConcurrentUpdate, Unavailable."""
        following = replace(following, version=self.comparison.version + 1)
        self._services.stores.job_states.save(self.comparison, following)
        self.comparison = following

    def step(self, comparison: Comparison) -> Comparison:
        """The comparison after one more page. Raises Unavailable, Refused."""
        listing = self._services.stripe.listing
        match comparison.phase:
            case "living":
                page = listing.live_subscriptions(comparison.place)
                return self._after_stripes_page(comparison, page)
            case "ended":
                since = comparison.began - LATELY
                page = listing.ended_subscriptions(since, comparison.place)
                return self._after_stripes_page(comparison, page)
            case "held":
                return self._after_own_page(comparison)
            case _:
                return self._after_checking(comparison)

    def _after_stripes_page(self, comparison: Comparison, page: Page[ListEntry]) -> Comparison:
        self.limiter.made()
        # The comparison is saved before anything is stored under its start: otherwise a run that
        # stops within this page would lose the differences that it found.
        if not comparison.pages:
            self.save(comparison)
        ids = [entry.id for entry in page.entries]
        self._services.stores.reconciliation.keep_listed(self._began, comparison.pages, ids)
        readable = [entry.listed for entry in page.entries if entry.listed]
        self._services.metrics.count("AnswersUnreadable", len(ids) - len(readable))
        unpaid = self._compare(readable)
        following = replace(
            comparison.with_unpaid_credit(unpaid),
            place=page.next_page,
            pages=comparison.pages + 1,
            listed=comparison.listed + len(ids),
        )
        return following if page.next_page else following.next_phase()

    def _compare(self, listed: Sequence[ListedSubscription]) -> list[str]:
        """Compare a page with the accounts, adopt customers that are new, and fetch what differs.
        Returns the customers that have more credit than they ever paid.
        """
        evidence = {entry.subscription.id: self._evidence(entry) for entry in listed}
        guesses = {
            entry.subscription.customer: probable_account(_naming(evidence[entry.subscription.id]))
            for entry in listed
        }
        known, unreadable = self._known(guesses)
        owners = {customer: account.id for customer, account in known.items()}
        accounts = {account.id: account for account in known.values()}
        for entry in listed:
            customer = entry.subscription.customer
            if customer in unreadable:
                continue
            if customer not in owners:
                adopted = self._adopted(customer, evidence[entry.subscription.id])
                if adopted is None:
                    continue
                owners[customer], accounts[adopted.id] = adopted.id, adopted
            account = accounts[owners[customer]]
            if difference := drift(account, entry, self._began):
                # Stored before the fetch, after which the difference is gone.
                self._services.stores.reconciliation.put_drift(difference)
            if difference or has_hidden_debt(account, entry):
                accounts[account.id] = self._fetched(account, customer)
        ours = {one.subscription.customer: one for one in listed if one.credit}
        return [
            customer
            for customer, entry in ours.items()
            if customer in owners and self._has_unpaid_credit(accounts[owners[customer]], entry)
        ]

    def _has_unpaid_credit(self, account: Account, entry: ListedSubscription) -> bool:
        """Whether the customer of an entry has more credit than it ever paid. Puts that onto the
        account's timeline. Raises Unavailable, Refused.
        """
        customer, stripe = entry.subscription.customer, self._services.stripe
        invoices = [
            one.state
            for one in stripe.reader.invoices_of(customer)
            if isinstance(one.state, Invoice)
        ]
        charges = stripe.invoices.charges_of(customer)
        self.limiter.made(CALLS_TO_COUNT)
        currency = entry.customer.currency if entry.customer else None
        unpaid = unpaid_credit(entry.credit, currency, invoices, charges, account.charged_back)
        if unpaid:
            data = {"customer": customer, "credit": entry.credit, "unpaid": unpaid}
            id = f"credit-{customer}"
            found = Entry(account.id, self._began, "drift", id, "credit.unpaid", data)
            self._services.stores.timeline.put([found])
        return unpaid > 0

    def _known(self, guesses: Mapping[str, str]) -> tuple[dict[str, Account], set[str]]:
        """The accounts of customers, and the customers whose account only a newer release can read:
        after a rollback only these wait for it.
        """
        try:
            return self._services.stores.accounts.of_customers(guesses), set()
        except NewerSchemaVersion:
            known: dict[str, Account] = {}
            unreadable: set[str] = set()
            for customer, guess in guesses.items():
                try:
                    known |= self._services.stores.accounts.of_customers({customer: guess})
                except NewerSchemaVersion as failure:
                    unreadable.add(customer)
                    self._skip(customer, None, failure)
            return known, unreadable

    def _adopted(self, customer: str, evidence: Sequence[Evidence]) -> Account | None:
        try:
            account = adopt(customer, evidence, self._services, self._fetcher)
        except (Unavailable, Refused):
            raise
        except Exception as failure:
            self._skip(customer, None, failure)
            return None
        if account:
            self.limiter.made(CALLS_TO_FETCH)
        return account

    def _after_own_page(self, comparison: Comparison) -> Comparison:
        accounts, scanned = self._services.stores.reconciliation.accounts(comparison.scanned)
        for account in accounts:
            missing = not_listed(account, self._ids_listed, self._began)
            for difference in missing:
                self._services.stores.reconciliation.put_drift(difference)
            for customer in sorted({difference.customer for difference in missing}):
                account = self._fetched(account, customer)
        following = replace(comparison, scanned=scanned)
        return following if scanned else following.next_phase()

    @cached_property
    def _ids_listed(self) -> frozenset[str]:
        return self._services.stores.reconciliation.listed(self._began)

    def _fetched(self, account: Account, customer: str) -> Account:
        """The account with everything of a customer fetched. Raises Unavailable if Stripe did not
        answer all of it.
        """
        try:
            account = apply_facts(account, everything_of(customer), self._services, self._fetcher)
        except (Unavailable, Refused):
            raise
        except Exception as failure:
            self._skip(customer, account.id, failure)
            return account
        self.limiter.made(CALLS_TO_FETCH)
        if self._fetcher.down:
            raise self._fetcher.down
        return account

    def _skip(self, customer: str, account_id: str | None, failure: Exception) -> None:
        """Skip a customer that cannot be compared, so that it does not stop the comparison."""
        self.skipped.append(Skipped(customer, account_id, failure))
        self._services.metrics.count("ComparisonsBroken", 1)

    def _after_checking(self, comparison: Comparison) -> Comparison:
        """Check the differences that were found, a part in each step, and put them onto the
        timelines. A repeated step writes the same entries again.
        """
        differences = self._services.stores.reconciliation.drifts_of(self._began)
        unchecked = [difference for difference in differences if difference.became is None]
        for difference in unchecked[:CHECKED_A_STEP]:
            self._check(difference)
        if unchecked:
            return comparison
        healed = sum(difference.became == "healed" for difference in differences)
        left = len(differences) - healed
        self._services.metrics.count("DriftsHealed", healed)
        self._services.metrics.count("DriftsLeft", left)
        self._services.metrics.count("CreditUnpaid", len(comparison.unpaid_credit))
        return replace(comparison, healed=healed, left=left, ended_at=self._services.clock.now())

    def _check(self, found: Drift) -> None:
        result = judged(found, self._services.stores.accounts.load(found.account_id))
        if result is None:
            self._services.stores.reconciliation.drop_drift(found)
            return
        data = {"subscription": found.subscription, "what": list(found.what), "since": found.since}
        entry = Entry(
            found.account_id,
            self._began,
            "drift",
            found.subscription,
            f"drift.{result.became}",
            data,
        )
        self._services.stores.timeline.put([entry])
        self._services.stores.reconciliation.put_drift(result)

    def _evidence(self, entry: ListedSubscription) -> list[Evidence]:
        """The evidence in an entry of the list: its subscription, and its customer if the list has
        it.
        """
        source = FromFetch(self._services.clock.now().replace(microsecond=0), "")
        customer = entry.subscription.customer
        subscription = SubscriptionSnapshot(entry.subscription, source)
        evidence: list[Evidence] = [
            FromList(customer, entry.account_id, entry.account_proof, subscription)
        ]
        if entry.customer:
            snapshot = CustomerSnapshot(entry.customer, source)
            evidence.append(
                FromList(
                    customer, entry.customer_account_id, entry.customer_account_proof, snapshot
                )
            )
        return evidence


def _naming(evidence: Sequence[Evidence]) -> Evidence:
    """The evidence that names an account, else the first."""
    return next((each for each in evidence if each.account_id), evidence[0])
