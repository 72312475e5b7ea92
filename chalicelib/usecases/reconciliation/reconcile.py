"""Compare all live subscriptions at Stripe with those of the accounts, a part in each run, and
fetch what differs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
    judged,
    not_listed,
    under_way,
)
from chalicelib.domain.stripe_objects.answers import ListedSubscription, ListEntry
from chalicelib.domain.stripe_objects.pagination import Page
from chalicelib.usecases.ingestion.adopt import Evidence, adopt, probable_account
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.reconciliation.rate_limit import RateLimiter
from chalicelib.usecases.services import Services

CALLS_TO_ASK = 3
"""For a customer, its subscriptions and its invoices."""

JUDGED_A_STEP = 100


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A customer who could not be compared, because of `failure`. `account_id` is None if it is not
    known which account is the customer's.
    """

    customer: str
    account_id: str | None
    failure: Exception


@dataclass(frozen=True, slots=True)
class Progress:
    """What one run came to: where the comparison is now, who was passed over, and the failure that
    ended the run early, if one did.
    """

    comparison: Comparison
    passed_over: tuple[PassedOver, ...] = ()
    failure: Exception | None = None


def reconcile(services: Services) -> Progress | None:
    """Go on with today's comparison; None if it was done before.

    How far it has come is written after each page, once all that the page brought up has been asked
    for. What Stripe or the table do not answer now, and what a run does not reach, the next run
    does again.
    """
    round = under_way(services.stores.job_states.load(Comparison), services.clock.now())
    if round is None:
        return None
    run, stopped_by = _Run(services, round), None
    try:
        while run.round.ended_at is None and run.pace.goes_on():
            run.save(run.step(run.round))
    except ConcurrentUpdate:
        pass  # another run compares already
    except (Unavailable, Refused) as failure:
        services.metrics.count(
            "ListsRefused" if isinstance(failure, Refused) else "ListsUnanswered", 1
        )
        stopped_by = failure
    return Progress(run.round, tuple(run.passed_over), stopped_by)


@dataclass(frozen=True, slots=True)
class FromList:
    """An entry of a list as evidence for adoption; see adopt.Evidence."""

    customer: str
    account_id: str | None
    fact: SubscriptionSnapshot | CustomerSnapshot


class _Run:
    """One run's share of a comparison. Each step is one page; it may be done again. `round` is
    where the comparison is, as last written; `passed_over` are those who could not be compared.
    """

    def __init__(self, services: Services, round: Comparison) -> None:
        self.round, self.pace = round, RateLimiter(services)
        self.passed_over: list[PassedOver] = []
        self._services, self._asker, self._began = services, StripeFetcher(services), round.began

    def save(self, further: Comparison) -> None:
        """Write down how far it has come. Raises ConcurrentUpdate, Unavailable."""
        further = replace(further, version=self.round.version + 1)
        self._services.stores.job_states.save(self.round, further)
        self.round = further

    def step(self, round: Comparison) -> Comparison:
        """The comparison once a page more is done. Raises Unavailable, Refused."""
        match round.phase:
            case "living":
                return self._of_stripes(
                    round, self._services.stripe.listing.live_subscriptions(round.place)
                )
            case "ended":
                return self._of_stripes(
                    round,
                    self._services.stripe.listing.ended_subscriptions(
                        round.began - LATELY, round.place
                    ),
                )
            case "held":
                return self._of_ours(round)
            case _:
                return self._closed(round)

    def _of_stripes(self, round: Comparison, page: Page[ListEntry]) -> Comparison:
        self.pace.made()
        # The round is saved before anything is kept under its start: else a run that ends within
        # this page would lose its drifts.
        if not round.pages:
            self.save(round)
        ids = [entry.id for entry in page.entries]
        self._services.stores.reconciliation.keep_listed(self._began, round.pages, ids)
        found = [entry.listed for entry in page.entries if entry.listed]
        self._services.metrics.count("AnswersUnreadable", len(ids) - len(found))
        self._look_at(found)
        further = replace(
            round, place=page.next_page, pages=round.pages + 1, listed=round.listed + len(ids)
        )
        return further if page.next_page else further.next_phase()

    def _look_at(self, found: Sequence[ListedSubscription]) -> None:
        evidence = {one.subscription.id: self._evidence(one) for one in found}
        guesses = {
            one.subscription.customer: probable_account(_naming(evidence[one.subscription.id]))
            for one in found
        }
        known, unreadable = self._known(guesses)
        owners = {customer: account.id for customer, account in known.items()}
        accounts = {account.id: account for account in known.values()}
        for one in found:
            customer = one.subscription.customer
            if customer in unreadable:
                continue
            if customer not in owners:
                adopted = self._adopted(customer, evidence[one.subscription.id])
                if adopted is None:
                    continue
                owners[customer], accounts[adopted.id] = adopted.id, adopted
            account = accounts[owners[customer]]
            if differing := drift(account, one, self._began):
                self._services.stores.reconciliation.put_drift(
                    differing
                )  # before it is mended: afterwards it is no more to be seen
                accounts[account.id] = self._asked_about(account, customer)

    def _known(self, guesses: Mapping[str, str]) -> tuple[dict[str, Account], set[str]]:
        """The accounts of customers, and the customers whose account only a younger release can
        read: after a rollback they wait for it alone.
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
                    self._pass_over(customer, None, failure)
            return known, unreadable

    def _adopted(self, customer: str, evidence: Sequence[Evidence]) -> Account | None:
        try:
            account = adopt(customer, evidence, self._services, self._asker)
        except (Unavailable, Refused):
            raise
        except Exception as failure:
            self._pass_over(customer, None, failure)
            return None
        if account:
            self.pace.made(CALLS_TO_ASK)
        return account

    def _of_ours(self, round: Comparison) -> Comparison:
        accounts, scanned = self._services.stores.reconciliation.accounts(round.scanned)
        for account in accounts:
            missing = not_listed(account, self._ids_listed, self._began)
            for one in missing:
                self._services.stores.reconciliation.put_drift(one)
            for customer in sorted({one.customer for one in missing}):
                account = self._asked_about(account, customer)
        return (
            replace(round, scanned=scanned)
            if scanned
            else replace(round, scanned=None).next_phase()
        )

    @cached_property
    def _ids_listed(self) -> frozenset[str]:
        return self._services.stores.reconciliation.listed(self._began)

    def _asked_about(self, account: Account, customer: str) -> Account:
        """The account after Stripe was asked all about a customer. Raises Unavailable if Stripe
        left any of it open.
        """
        try:
            account = apply_facts(account, everything_of(customer), self._services, self._asker)
        except (Unavailable, Refused):
            raise
        except Exception as failure:
            self._pass_over(customer, account.id, failure)
            return account
        self.pace.made(CALLS_TO_ASK)
        if self._asker.down:
            raise self._asker.down
        return account

    def _pass_over(self, customer: str, account_id: str | None, failure: Exception) -> None:
        """Note an account that cannot be compared, so that it does not keep the others waiting."""
        self.passed_over.append(PassedOver(customer, account_id, failure))
        self._services.metrics.count("ComparisonsBroken", 1)

    def _closed(self, round: Comparison) -> Comparison:
        """Judge what was found, so much a step, and tell it on the timelines under times that a
        repeat has too.
        """
        drifts = self._services.stores.reconciliation.drifts_of(self._began)
        open_ones = [one for one in drifts if one.became is None]
        for one in open_ones[:JUDGED_A_STEP]:
            self._judge(one)
        if open_ones:
            return round
        healed = sum(one.became == "healed" for one in drifts)
        self._services.metrics.count("DriftsHealed", healed)
        self._services.metrics.count("DriftsLeft", len(drifts) - healed)
        return replace(
            round, healed=healed, left=len(drifts) - healed, ended_at=self._services.clock.now()
        )

    def _judge(self, found: Drift) -> None:
        verdict = judged(found, self._services.stores.accounts.load(found.account_id))
        if verdict is None:
            self._services.stores.reconciliation.drop_drift(found)
            return
        told = {"subscription": found.subscription, "what": list(found.what), "since": found.since}
        self._services.stores.timeline.put(
            [
                Entry(
                    found.account_id,
                    self._began,
                    "drift",
                    found.subscription,
                    f"drift.{verdict.became}",
                    told,
                )
            ]
        )
        self._services.stores.reconciliation.put_drift(verdict)

    def _evidence(self, one: ListedSubscription) -> list[Evidence]:
        """What an entry says of whose customer it is about: by the subscription, and by the
        customer if the list holds it.
        """
        by = FromFetch(self._services.clock.now().replace(microsecond=0), "")
        customer = one.subscription.customer
        subscription_seen = SubscriptionSnapshot(one.subscription, by)
        evidence: list[Evidence] = [FromList(customer, one.account_id, subscription_seen)]
        if one.customer:
            customer_seen = CustomerSnapshot(one.customer, by)
            evidence.append(FromList(customer, one.customer_account_id, customer_seen))
        return evidence


def _naming(evidence: Sequence[Evidence]) -> Evidence:
    return next((one for one in evidence if one.account_id), evidence[0])
