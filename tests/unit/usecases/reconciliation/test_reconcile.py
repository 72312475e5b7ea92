"""The daily comparison: what it adopts, asks for, leaves, and reports."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import NewerSchemaVersion
from chalicelib.domain.reconciliation.comparison import NOT_LISTED, UNKNOWN, Comparison
from chalicelib.domain.stripe_objects.pagination import Page
from chalicelib.runtime.wiring import stripe_over
from chalicelib.usecases.ingestion.ingest import Message, ingest
from chalicelib.usecases.reconciliation.reconcile import Skipped, reconcile
from tests.fakes.services import QUIET, FakeServices, at
from tests.fakes.simulated_lifecycles import SimTransport
from tests.fakes.stripe.sim import SimStage
from tests.unit.usecases.ingestion.test_ingest_recordings import messages

DAY = timedelta(days=1)


class Population:
    """Customers of one Stripe account, of which Billhook hears what it is told."""

    def __init__(self) -> None:
        self.stage = SimStage()
        transport = SimTransport(self.stage)
        self.place = FakeServices(policy=QUIET, stripe=stripe_over(transport))
        self.place.now.at = at(self.stage.second)
        self.heard = 0
        self.skipped: list[Skipped] = []

    def customer(self, card: str | None = "tok_visa", **params: Any) -> str:
        id = str(
            self.stage.post(
                "/v1/customers",
                email=f"{len(self.stage.engine.store.events)}@example.com",
                **params,
            )["id"]
        )
        if card:
            self.stage.gives(id, card)
        return id

    def buys(self, customer: str, price: str = "pro_monthly", **params: Any) -> str:
        return str(
            self.stage.post(
                "/v1/subscriptions",
                customer=customer,
                items=[{"price": self.stage.price(price)}],
                **params,
            )["id"]
        )

    def hear(self) -> None:
        events = self.stage.engine.store.events[self.heard :]
        self.heard = len(self.stage.engine.store.events)
        ingest(messages(events), self.place.services)

    def lose(self) -> None:
        """What has happened until now is never heard of."""
        self.heard = len(self.stage.engine.store.events)

    def days(self, number: float = 1) -> None:
        self.place.now.at += number * DAY
        self.stage.advance(int(self.place.now.at.timestamp()))

    def compare(self) -> Comparison:
        """Runs until the comparison is done."""
        for _ in range(100):
            progress = reconcile(self.place.services)
            assert progress
            self.skipped += progress.skipped
            if progress.comparison.ended_at:
                return progress.comparison
        raise AssertionError("a comparison has no end")

    def account_of(self, customer: str) -> Account:
        (account,) = self.place.accounts.of_customers({customer: ""}).values()
        assert isinstance(account, Account)
        return account

    def reported(self) -> list[tuple[tuple[str, ...], str | None]]:
        return [(drift.what, drift.became) for drift in self.place.reconciliation.drifts.values()]

    def told(self) -> list[str]:
        return [
            entry.type for entry in self.place.timeline.entries.values() if entry.kind == "drift"
        ]


@pytest.fixture
def population() -> Population:
    return Population()


def test_a_day_on_which_all_agrees_asks_for_nothing_and_reports_nothing(
    population: Population,
) -> None:
    for _ in range(3):
        population.buys(population.customer())
    population.hear()
    before = len(population.stage.api.calls)
    done = population.compare()
    assert (done.listed, done.healed, done.left) == (3, 0, 0)
    assert [call.path for call in population.stage.api.calls[before:]] == [
        "/v1/subscriptions"
    ] * 2, "those that live, and those that ended lately"
    assert population.reported() == population.told() == []
    assert reconcile(population.place.services) is None, "once a day"
    population.days()
    assert reconcile(population.place.services)


def test_a_purchase_in_stripes_dashboard_of_which_nothing_was_heard_is_adopted(
    population: Population,
) -> None:
    bought, named = (
        population.customer(),
        population.customer(metadata={"account_id": "acct_by_metadata"}),
    )
    population.buys(bought)
    population.buys(named)
    population.lose()
    population.compare()
    account = population.account_of(bought)
    assert account.id == f"acc_{bought.removeprefix('cus_')}"
    assert account.standing
    assert (account.standing.reason, account.asks) == ("active", ())
    assert population.account_of(named).id == "acct_by_metadata"
    assert population.reported() == [((UNKNOWN,), "healed")] * 2
    assert sorted(population.told()) == ["drift.healed"] * 2


def test_customers_of_another_product_are_left_and_asked_nothing_about(
    population: Population,
) -> None:
    product = population.stage.post("/v1/products", name="Another")["id"]
    population.stage.post(
        "/v1/prices",
        product=product,
        currency="usd",
        unit_amount=100,
        lookup_key="another",
        recurring={"interval": "month"},
    )
    population.buys(population.customer(), "another")
    before = len(population.stage.api.calls)
    done = population.compare()
    assert (done.listed, population.place.accounts.items, population.reported()) == (1, {}, [])
    assert len(population.stage.api.calls) == before + 2


def test_a_cancellation_at_once_of_which_nothing_was_heard_closes(population: Population) -> None:
    subscription = population.buys(customer := population.customer())
    population.hear()
    population.days(5)
    agreed = population.account_of(customer).subscriptions[subscription].seen
    population.stage.call("DELETE", f"/v1/subscriptions/{subscription}")
    population.lose()
    assert population.compare().healed == 1
    standing = population.account_of(customer).standing
    assert standing
    assert (standing.access, standing.reason) == ("none", "canceled")
    (drift,) = population.place.reconciliation.drifts.values()
    assert (drift.what, drift.since, drift.became) == ((NOT_LISTED,), agreed, "healed")


def test_a_customer_deleted_without_news_loses_access_and_is_found_once(
    population: Population,
) -> None:
    """Stripe may list nothing of a deleted customer's any more, nor say what became of its
    subscriptions.
    """
    subscription = population.buys(customer := population.customer())
    population.hear()
    population.days(5)
    population.stage.call("DELETE", f"/v1/customers/{customer}")
    del population.stage.engine.store.objects["subscription"][subscription]
    population.lose()
    done = population.compare()
    assert (done.healed, done.left) == (1, 0)
    standing = population.account_of(customer).standing
    assert standing
    assert (standing.access, standing.reason) == ("none", "customer_deleted")
    population.days(1)
    done = population.compare()
    assert (done.healed, done.left) == (0, 0)


def test_what_was_bought_and_ended_within_a_day_is_found_though_it_never_lived_in_a_list(
    population: Population,
) -> None:
    population.stage.call(
        "DELETE", f"/v1/subscriptions/{population.buys(customer := population.customer())}"
    )
    population.lose()
    population.compare()
    standing = population.account_of(customer).standing
    assert standing
    assert standing.reason == "canceled"


def test_a_card_a_plan_and_an_invoice_that_differ_are_named(population: Population) -> None:
    subscription = population.buys(customer := population.customer())
    population.hear()
    items = [
        {
            "id": population.stage.engine.store.find("subscription", subscription)["items"]["data"][
                0
            ]["id"],
            "price": population.stage.price("scale_monthly"),
        }
    ]
    population.stage.post(f"/v1/subscriptions/{subscription}", items=items)
    population.stage.gives(customer, "tok_mastercard")
    population.lose()
    population.compare()
    ((what, became),) = population.reported()
    assert {"items", "customer.card"} <= set(what)
    assert became == "healed"
    standing = population.account_of(customer).standing
    assert standing
    assert standing.plan == "scale"


def test_more_than_a_page_is_compared_page_by_page_though_the_list_moves_meanwhile(
    population: Population,
) -> None:
    customers = [
        population.customer(metadata={"account_id": f"acct_{number}"}) for number in range(130)
    ]
    subscriptions = [population.buys(customer) for customer in customers]
    population.hear()
    population.lose()
    services, pages = population.place.services, []
    keep_listed = population.place.reconciliation.keep_listed

    def keep(began: Any, page: int, ids: Any) -> None:
        keep_listed(began, page, ids)
        pages.append(len(ids))
        if page == 0:  # the very one behind which the list goes on ends
            population.stage.call("DELETE", f"/v1/subscriptions/{ids[-1]}")

    population.place.reconciliation.keep_listed = keep  # type: ignore[method-assign]
    assert reconcile(services)
    done = (
        population.compare()
        if not population.place.job_states.load(Comparison).ended_at
        else population.place.job_states.load(Comparison)
    )
    assert done.ended_at
    assert pages[0] == 100
    assert set(subscriptions) == population.place.reconciliation.listed(done.began)


def test_a_subscription_that_stripe_does_not_know_is_reported_as_left(
    population: Population,
) -> None:
    subscription = population.buys(population.customer())
    population.hear()
    population.days(1)
    del population.stage.engine.store.objects["subscription"][subscription]
    done = population.compare()
    assert (done.healed, done.left) == (0, 1)
    assert population.reported() == [((NOT_LISTED,), "left")]
    assert population.told() == ["drift.left"]
    assert population.place.metrics["DriftsLeft"] == 1


def test_a_subscription_that_only_the_list_lacks_is_no_drift(population: Population) -> None:
    """Stripe lists those of a test clock only by their customer."""
    population.buys(population.customer())
    population.hear()
    population.days(1)
    population.place.stripe.listing.live_subscriptions = lambda place: Page([])
    done = population.compare()
    assert (done.healed, done.left, population.reported(), population.told()) == (0, 0, [], [])


def test_one_account_that_cannot_be_compared_holds_up_no_other(
    population: Population, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = population.customer(), population.customer()
    for customer in (bad, good):
        population.buys(customer)
    population.hear()
    for customer in (bad, good):
        population.stage.gives(customer, "tok_mastercard")
    population.lose()
    save = population.place.accounts.save

    def broken(old: Account, new: Account) -> None:
        if bad in new.customers:
            raise ZeroDivisionError
        save(old, new)

    monkeypatch.setattr(population.place.accounts, "save", broken)
    done = population.compare()
    assert done.ended_at
    assert population.place.metrics["ComparisonsBroken"] == 1
    (skipped,) = population.skipped
    assert (skipped.customer, skipped.account_id, type(skipped.failure)) == (
        bad,
        population.account_of(bad).id,
        ZeroDivisionError,
    )
    assert good in {
        drift.customer
        for drift in population.place.reconciliation.drifts.values()
        if drift.became == "healed"
    }


def test_after_a_rollback_an_account_that_only_the_younger_release_can_read_holds_up_no_other(
    population: Population, monkeypatch: pytest.MonkeyPatch
) -> None:
    younger, stranger, good = population.customer(), population.customer(), population.customer()
    for customer in (younger, good):
        population.buys(customer)
    population.hear()
    population.buys(stranger)
    for customer in (younger, good):
        population.stage.gives(customer, "tok_mastercard")
    population.lose()
    of_customers, younger_id = (
        population.place.accounts.of_customers,
        population.account_of(younger).id,
    )

    def refused(guesses: Mapping[str, str]) -> Any:
        if younger in guesses:
            raise NewerSchemaVersion("written by a younger release")
        return of_customers(guesses)

    monkeypatch.setattr(population.place.accounts, "of_customers", refused)
    before = population.place.accounts.items[younger_id]
    assert population.compare().ended_at
    assert {drift.customer for drift in population.place.reconciliation.drifts.values()} == {
        stranger,
        good,
    }
    assert population.place.accounts.items[younger_id] == before
    assert population.place.metrics["ComparisonsBroken"] == 1
    assert [(one.customer, type(one.failure)) for one in population.skipped] == [
        (younger, NewerSchemaVersion)
    ]


def test_a_stranger_that_cannot_be_adopted_is_named_with_its_failure(
    population: Population, monkeypatch: pytest.MonkeyPatch
) -> None:
    population.buys(stranger := population.customer())
    population.lose()

    def broken(old: Account, new: Account) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(population.place.accounts, "save", broken)
    assert population.compare().ended_at
    assert [(one.customer, one.account_id, type(one.failure)) for one in population.skipped] == [
        (stranger, None, ZeroDivisionError)
    ]


def test_a_run_begins_no_more_calls_than_its_share(
    population: Population, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        population.buys(population.customer(metadata={"account_id": f"acct_{number}"}))
    population.lose()
    monkeypatch.setattr("chalicelib.usecases.reconciliation.rate_limit.SECONDS", 4)
    waited: list[float] = []
    runs = 0
    while True:
        services = population.place.services
        done = reconcile(replace(services, clock=replace(services.clock, pause=waited.append)))
        assert done
        runs += 1
        if done.comparison.ended_at:
            break
    assert runs > 1
    assert sum(waited) >= (12 * 3 - runs * 10) / 5
    assert len(population.place.accounts.items) == 12


def test_news_that_is_on_its_way_does_no_harm(population: Population) -> None:
    """The comparison finds what an event would have told a moment later."""
    subscription = population.buys(customer := population.customer())
    population.hear()
    population.days(1)
    population.stage.post(f"/v1/subscriptions/{subscription}", cancel_at_period_end=True)
    population.compare()
    before = population.account_of(customer)
    outcomes = ingest(
        [Message("m", messages(population.stage.engine.store.events[-1:])[0].body)],
        population.place.services,
    )
    assert [outcome.effect for outcome in outcomes] == ["unchanged"]
    assert population.account_of(customer) == before
