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
from tests.fakes.stripe_sim import SimStage
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
def town() -> Population:
    return Population()


def test_a_day_on_which_all_agrees_asks_for_nothing_and_reports_nothing(town: Population) -> None:
    for _ in range(3):
        town.buys(town.customer())
    town.hear()
    before = len(town.stage.api.calls)
    done = town.compare()
    assert (done.listed, done.healed, done.left) == (3, 0, 0)
    assert [call.path for call in town.stage.api.calls[before:]] == ["/v1/subscriptions"] * 2, (
        "those that live, and those that ended lately"
    )
    assert town.reported() == town.told() == []
    assert reconcile(town.place.services) is None, "once a day"
    town.days()
    assert reconcile(town.place.services)


def test_a_purchase_in_stripes_dashboard_of_which_nothing_was_heard_is_adopted(
    town: Population,
) -> None:
    bought, named = town.customer(), town.customer(metadata={"account_id": "acct_by_metadata"})
    town.buys(bought)
    town.buys(named)
    town.lose()
    town.compare()
    account = town.account_of(bought)
    assert account.id == f"acc_{bought.removeprefix('cus_')}"
    assert account.standing
    assert (account.standing.reason, account.asks) == ("active", ())
    assert town.account_of(named).id == "acct_by_metadata"
    assert town.reported() == [((UNKNOWN,), "healed")] * 2
    assert sorted(town.told()) == ["drift.healed"] * 2


def test_customers_of_another_product_are_left_and_asked_nothing_about(town: Population) -> None:
    product = town.stage.post("/v1/products", name="Another")["id"]
    town.stage.post(
        "/v1/prices",
        product=product,
        currency="usd",
        unit_amount=100,
        lookup_key="another",
        recurring={"interval": "month"},
    )
    town.buys(town.customer(), "another")
    before = len(town.stage.api.calls)
    done = town.compare()
    assert (done.listed, town.place.accounts.items, town.reported()) == (1, {}, [])
    assert len(town.stage.api.calls) == before + 2


def test_a_cancellation_at_once_of_which_nothing_was_heard_closes(town: Population) -> None:
    subscription = town.buys(customer := town.customer())
    town.hear()
    town.days(5)
    agreed = town.account_of(customer).subscriptions[subscription].seen
    town.stage.call("DELETE", f"/v1/subscriptions/{subscription}")
    town.lose()
    assert town.compare().healed == 1
    standing = town.account_of(customer).standing
    assert standing
    assert (standing.access, standing.reason) == ("none", "canceled")
    (drift,) = town.place.reconciliation.drifts.values()
    assert (drift.what, drift.since, drift.became) == ((NOT_LISTED,), agreed, "healed")


def test_a_customer_deleted_without_news_loses_access_and_is_found_once(town: Population) -> None:
    """Stripe may list nothing of a deleted customer's any more, nor say what became of its
    subscriptions.
    """
    subscription = town.buys(customer := town.customer())
    town.hear()
    town.days(5)
    town.stage.call("DELETE", f"/v1/customers/{customer}")
    del town.stage.engine.store.objects["subscription"][subscription]
    town.lose()
    done = town.compare()
    assert (done.healed, done.left) == (1, 0)
    standing = town.account_of(customer).standing
    assert standing
    assert (standing.access, standing.reason) == ("none", "customer_deleted")
    town.days(1)
    done = town.compare()
    assert (done.healed, done.left) == (0, 0)


def test_what_was_bought_and_ended_within_a_day_is_found_though_it_never_lived_in_a_list(
    town: Population,
) -> None:
    town.stage.call("DELETE", f"/v1/subscriptions/{town.buys(customer := town.customer())}")
    town.lose()
    town.compare()
    standing = town.account_of(customer).standing
    assert standing
    assert standing.reason == "canceled"


def test_a_card_a_plan_and_an_invoice_that_differ_are_named(town: Population) -> None:
    subscription = town.buys(customer := town.customer())
    town.hear()
    items = [
        {
            "id": town.stage.engine.store.find("subscription", subscription)["items"]["data"][0][
                "id"
            ],
            "price": town.stage.price("scale_monthly"),
        }
    ]
    town.stage.post(f"/v1/subscriptions/{subscription}", items=items)
    town.stage.gives(customer, "tok_mastercard")
    town.lose()
    town.compare()
    ((what, became),) = town.reported()
    assert {"items", "customer.card"} <= set(what)
    assert became == "healed"
    standing = town.account_of(customer).standing
    assert standing
    assert standing.plan == "scale"


def test_more_than_a_page_is_compared_page_by_page_though_the_list_moves_meanwhile(
    town: Population,
) -> None:
    customers = [town.customer(metadata={"account_id": f"acct_{number}"}) for number in range(130)]
    subscriptions = [town.buys(customer) for customer in customers]
    town.hear()
    town.lose()
    services, pages = town.place.services, []
    keep_listed = town.place.reconciliation.keep_listed

    def keep(began: Any, page: int, ids: Any) -> None:
        keep_listed(began, page, ids)
        pages.append(len(ids))
        if page == 0:  # the very one behind which the list goes on ends
            town.stage.call("DELETE", f"/v1/subscriptions/{ids[-1]}")

    town.place.reconciliation.keep_listed = keep  # type: ignore[method-assign]
    assert reconcile(services)
    done = (
        town.compare()
        if not town.place.job_states.load(Comparison).ended_at
        else town.place.job_states.load(Comparison)
    )
    assert done.ended_at
    assert pages[0] == 100
    assert set(subscriptions) == town.place.reconciliation.listed(done.began)


def test_a_subscription_that_stripe_does_not_know_is_reported_as_left(town: Population) -> None:
    subscription = town.buys(town.customer())
    town.hear()
    town.days(1)
    del town.stage.engine.store.objects["subscription"][subscription]
    done = town.compare()
    assert (done.healed, done.left) == (0, 1)
    assert town.reported() == [((NOT_LISTED,), "left")]
    assert town.told() == ["drift.left"]
    assert town.place.metrics["DriftsLeft"] == 1


def test_a_subscription_that_only_the_list_lacks_is_no_drift(town: Population) -> None:
    """Stripe lists those of a test clock only by their customer."""
    town.buys(town.customer())
    town.hear()
    town.days(1)
    town.place.stripe.listing.live_subscriptions = lambda place: Page([])
    done = town.compare()
    assert (done.healed, done.left, town.reported(), town.told()) == (0, 0, [], [])


def test_one_account_that_cannot_be_compared_holds_up_no_other(
    town: Population, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = town.customer(), town.customer()
    for customer in (bad, good):
        town.buys(customer)
    town.hear()
    for customer in (bad, good):
        town.stage.gives(customer, "tok_mastercard")
    town.lose()
    save = town.place.accounts.save

    def broken(old: Account, new: Account) -> None:
        if bad in new.customers:
            raise ZeroDivisionError
        save(old, new)

    monkeypatch.setattr(town.place.accounts, "save", broken)
    done = town.compare()
    assert done.ended_at
    assert town.place.metrics["ComparisonsBroken"] == 1
    (skipped,) = town.skipped
    assert (skipped.customer, skipped.account_id, type(skipped.failure)) == (
        bad,
        town.account_of(bad).id,
        ZeroDivisionError,
    )
    assert good in {
        drift.customer
        for drift in town.place.reconciliation.drifts.values()
        if drift.became == "healed"
    }


def test_after_a_rollback_an_account_that_only_the_younger_release_can_read_holds_up_no_other(
    town: Population, monkeypatch: pytest.MonkeyPatch
) -> None:
    younger, stranger, good = town.customer(), town.customer(), town.customer()
    for customer in (younger, good):
        town.buys(customer)
    town.hear()
    town.buys(stranger)
    for customer in (younger, good):
        town.stage.gives(customer, "tok_mastercard")
    town.lose()
    of_customers, younger_id = town.place.accounts.of_customers, town.account_of(younger).id

    def refused(guesses: Mapping[str, str]) -> Any:
        if younger in guesses:
            raise NewerSchemaVersion("written by a younger release")
        return of_customers(guesses)

    monkeypatch.setattr(town.place.accounts, "of_customers", refused)
    before = town.place.accounts.items[younger_id]
    assert town.compare().ended_at
    assert {drift.customer for drift in town.place.reconciliation.drifts.values()} == {
        stranger,
        good,
    }
    assert town.place.accounts.items[younger_id] == before
    assert town.place.metrics["ComparisonsBroken"] == 1
    assert [(one.customer, type(one.failure)) for one in town.skipped] == [
        (younger, NewerSchemaVersion)
    ]


def test_a_stranger_that_cannot_be_adopted_is_named_with_its_failure(
    town: Population, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.buys(stranger := town.customer())
    town.lose()

    def broken(old: Account, new: Account) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(town.place.accounts, "save", broken)
    assert town.compare().ended_at
    assert [(one.customer, one.account_id, type(one.failure)) for one in town.skipped] == [
        (stranger, None, ZeroDivisionError)
    ]


def test_a_run_begins_no_more_calls_than_its_share(
    town: Population, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        town.buys(town.customer(metadata={"account_id": f"acct_{number}"}))
    town.lose()
    monkeypatch.setattr("chalicelib.usecases.reconciliation.rate_limit.SECONDS", 4)
    waited: list[float] = []
    runs = 0
    while True:
        services = town.place.services
        done = reconcile(replace(services, clock=replace(services.clock, pause=waited.append)))
        assert done
        runs += 1
        if done.comparison.ended_at:
            break
    assert runs > 1
    assert sum(waited) >= (12 * 3 - runs * 10) / 5
    assert len(town.place.accounts.items) == 12


def test_news_that_is_on_its_way_does_no_harm(town: Population) -> None:
    """The comparison finds what an event would have told a moment later."""
    subscription = town.buys(customer := town.customer())
    town.hear()
    town.days(1)
    town.stage.post(f"/v1/subscriptions/{subscription}", cancel_at_period_end=True)
    town.compare()
    before = town.account_of(customer)
    outcomes = ingest(
        [Message("m", messages(town.stage.engine.store.events[-1:])[0].body)], town.place.services
    )
    assert [outcome.effect for outcome in outcomes] == ["unchanged"]
    assert town.account_of(customer) == before
