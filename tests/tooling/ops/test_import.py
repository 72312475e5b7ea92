"""Importing customers that Stripe already has: each becomes one account, whoever else adopts it
meanwhile and wherever the import stops.
"""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest

from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import InvalidInput, Unavailable
from chalicelib.runtime.wiring import stripe_over
from chalicelib.usecases.ingestion.adopt import derived_id
from chalicelib.usecases.ingestion.ingest import Message, ingest
from chalicelib.usecases.services import Services
from ops.commands.data.importing import report
from ops.import_customers.import_run import OUTCOMES, instances_in, listed, run_import
from ops.import_customers.survey import FINDINGS, Candidate, Finding, Survey, survey
from tests.fakes.faults import Crash, OutsideCalls, crashing_after
from tests.fakes.services import QUIET, proving, updated
from tests.fakes.simulated_lifecycles import BEGIN, DAY, SimLife, SimTransport
from tests.unit.usecases.instances.owner import INSTANCES


@dataclass
class Shop(SimLife):
    """A Stripe account with customers that Billhook has never heard of."""

    def buys(
        self,
        name: str,
        key: str = "pro_monthly",
        card: str = "tok_visa",
        email: bool = True,
        **metadata: str,
    ) -> str:
        """A customer with a subscription; gives the customer's id."""
        customer = self.stage.post(
            "/v1/customers",
            **({"email": f"{name}@example.com"} if email else {}),
            metadata=metadata,
        )["id"]
        self.stage.gives(customer, card)
        self.stage.post(
            "/v1/subscriptions", customer=customer, items=[{"price": self.stage.price(key)}]
        )
        return str(customer)

    def other_price(self) -> None:
        self.stage.post(
            "/v1/prices",
            currency="usd",
            unit_amount=900,
            lookup_key="other",
            recurring={"interval": "month"},
            product_data={"name": "x"},
        )

    def later(self, days: float = 400) -> "Shop":
        self.place.now.at = BEGIN + days * DAY
        self.stage.advance(int(self.place.now.at.timestamp()))
        return self

    def beside(self) -> "Shop":
        """Another Billhook that reads the same Stripe account and knows no customer."""
        other = Shop()
        other.stage, other.place.now.at = self.stage, self.place.now.at
        other.place.stripe = stripe_over(SimTransport(self.stage))
        return other

    def survey(self) -> Survey:
        transport = SimTransport(self.stage)
        return survey(
            listed(transport, "/v1/customers", False),
            listed(transport, "/v1/subscriptions", False, status="all"),
            self.policy,
        )

    def imports(self, services: Services | None = None) -> Counter[str]:
        return Counter(
            outcome
            for _, outcome, _ in run_import(
                self.survey().candidates, services or self.place.services
            )
        )

    @property
    def accounts(self) -> dict[str, Account]:
        return {
            id: account
            for id in sorted(self.place.accounts.items)
            if (account := self.place.accounts.load(id))
        }

    def findings(self) -> set[tuple[str, tuple[str, ...]]]:
        return {(finding.code, finding.about) for finding in self.survey().findings}


def test_every_customer_of_the_catalogue_becomes_what_stripe_holds_and_others_are_left_alone() -> (
    None
):
    shop = Shop()
    shop.other_price()
    ada, bob, cyd = (
        shop.buys("ada", account_id="acc_ada"),
        shop.buys("bob", "scale_monthly"),
        shop.buys("cyd", "other"),
    )
    lead = shop.stage.post(
        "/v1/customers", email="lead@example.com", metadata={"account_id": "acc_lead"}
    )["id"]
    shop.later(40)
    assert shop.survey().others == 1
    assert shop.imports() == {"imported": 3}
    accounts = shop.accounts
    assert set(accounts) == {"acc_ada", f"acc_{bob[4:]}", "acc_lead"}
    assert {customer for account in accounts.values() for customer in account.customers} == {
        ada,
        bob,
        lead,
    }
    assert cyd not in shop.place.accounts.owners
    for account in accounts.values():
        assert account.asks == ()
        stored = {id: known.value.status for id, known in account.subscriptions.items()}
        assert stored == {
            one["id"]: one["status"]
            for one in shop.objects("subscription")
            if one["customer"] in account.customers
        }
    standings = [accounts[id].standing for id in ("acc_ada", f"acc_{bob[4:]}")]
    assert [standing and standing.plan for standing in standings] == ["pro", "scale"]
    assert len(accounts["acc_ada"].invoices) == 2


def test_who_was_erased_is_not_imported_again() -> None:
    shop = Shop()
    shop.buys("ada", account_id="acc_ada")
    assert shop.imports() == {"imported": 1}
    shop.place.accounts.erase(shop.accounts["acc_ada"], shop.place.now.at)
    assert shop.imports() == {"gone": 1}
    assert shop.accounts == {}


def test_an_import_again_asks_stripe_for_its_lists_alone_and_changes_nothing() -> None:
    shop = Shop()
    for number in range(130):
        shop.buys(f"customer{number}")
    shop.later(3)
    assert shop.imports() == {"imported": 130}
    once, log = shop.accounts, dict(shop.place.timeline.entries)
    shop.stage.api.calls.clear()
    assert shop.imports() == {"known": 130}
    assert [call.path for call in shop.stage.api.calls] == ["/v1/customers"] * 2 + [
        "/v1/subscriptions"
    ] * 2
    assert shop.accounts == once
    assert shop.place.timeline.entries == log


def test_an_import_takes_two_calls_a_customer() -> None:
    shop = Shop()
    shop.buys("ada")
    shop.buys("bob", account_id="acc_bob")
    shop.later(3)
    candidates = shop.survey().candidates
    shop.stage.api.calls.clear()
    list(run_import(candidates, shop.place.services))
    assert len(shop.stage.api.calls) == 2 + 2


def test_an_import_interrupted_after_each_of_its_calls_and_run_again_ends_the_same() -> None:
    counted, whole = OutsideCalls(), Shop()
    whole.buys("ada", account_id="acc_ada")
    whole.buys("bob")
    whole.buys("bo2", account_id="acc_ada")
    whole.buys("bo3", **proving("acc_ada"))
    whole.later(40).imports(watched(whole, counted))
    assert len(counted.made) > 15
    for reply_lost in (True, False):
        for n in range(1, len(counted.made) + 1):
            one = whole.beside()
            with suppress(Crash):
                one.imports(watched(one, crashing_after(n, reply_lost=reply_lost)))
            again = one.imports()
            assert set(again) <= {"imported", "completed", "known", "apart"}
            assert without_versions(one.accounts) == without_versions(whole.accounts)
            assert one.place.accounts.owners == whole.place.accounts.owners
            assert one.imports() == {"known": 4}


def watched(shop: Shop, calls: OutsideCalls) -> Services:
    return calls.watch(shop.place.services, "accounts", "stripe", "timeline")


def without_versions(accounts: dict[str, Account]) -> dict[str, Any]:
    return {
        id: (updated(account), account.standing, account.history_until, account.asks)
        for id, account in accounts.items()
    }


def test_stripe_is_down_in_the_midst_of_it_and_the_next_run_goes_on() -> None:
    shop = Shop()
    for number in range(4):
        shop.buys(f"customer{number}")
    shop.later(3)
    candidates = shop.survey().candidates
    told = run_import(candidates, shop.place.services)
    assert [next(told)[1] for _ in range(2)] == ["imported", "imported"]
    shop.fault("503", 2, method="GET")
    with pytest.raises(Unavailable):
        next(told)
    assert shop.imports() == {"known": 2, "imported": 2}


def test_an_account_that_waits_for_answers_is_completed_by_the_next_run() -> None:
    shop = Shop()
    shop.buys("ada", account_id="acc_ada")
    shop.later(3)
    shop.fault("503", 1000, "/v1/invoices", "GET")
    candidates = (Candidate(shop.only("customer")["id"], "acc_ada"),)
    assert [outcome for _, outcome, _ in run_import(candidates, shop.place.services)] == [
        "unanswered"
    ]
    assert shop.accounts["acc_ada"].due_at, "the stage asks again by itself"
    shop.stage.api.faults.clear()
    assert shop.imports() == {"completed": 1}
    assert shop.accounts["acc_ada"].standing.access == "full"  # type: ignore[union-attr]
    rest = {"known", "apart", "unanswered", "gone", "failed"}
    assert {"imported", "completed", *rest} == set(OUTCOMES)


def test_one_customer_that_cannot_be_imported_keeps_no_other_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = Shop()
    ada, bob = shop.buys("ada"), shop.buys("bob")
    shop.later(3)
    save = shop.place.accounts.save

    def fails(old: Account, new: Account) -> None:
        if ada in new.customers:
            raise ValueError("ada@example.com")
        save(old, new)

    monkeypatch.setattr(shop.place.accounts, "save", fails)
    done = {
        candidate.customer: (outcome, detail)
        for candidate, outcome, detail in run_import(shop.survey().candidates, shop.place.services)
    }
    assert done == {ada: ("failed", "ValueError"), bob: ("imported", "")}


@pytest.mark.parametrize("first", ["webhooks", "import", "both"])
def test_a_customer_imported_while_its_webhooks_arrive_is_one_account(first: str) -> None:
    shop = Shop()
    shop.buys("ada", account_id="acc_ada")
    shop.buys("bob")
    shop.later(1)
    delivered = iter(list(shop.stage.engine.store.events))

    def arrives(number: int) -> None:
        for event, _ in zip(delivered, range(number), strict=False):
            ingest([Message(event["id"], json.dumps(event))], shop.place.services)

    if first == "webhooks":
        arrives(1000)
    services = shop.place.services
    if first == "both":
        reader = Meanwhile(services.stripe.reader, lambda: arrives(2))
        services = replace(services, stripe=replace(services.stripe, reader=reader))
    shop.imports(services)
    arrives(1000)
    alone = shop.beside()
    alone.imports()
    assert {id: updated(account) for id, account in shop.accounts.items()} == {
        id: updated(account) for id, account in alone.accounts.items()
    }
    assert len(shop.accounts) == 2


@dataclass
class Meanwhile:
    """A reader during whose every call something else happens."""

    reader: Any
    happens: Callable[[], None]

    def __getattr__(self, verb: str) -> Any:
        def asked(*arguments: Any) -> Any:
            found = getattr(self.reader, verb)(*arguments)
            self.happens()
            return found

        return asked


def test_an_account_that_signed_up_here_keeps_its_mail() -> None:
    shop = Shop()
    shop.sign_up()
    shop.advance(BEGIN + DAY, deaf=True)
    assert shop.imports() == {"known": 1}
    assert shop.account.history_until is None


# The report.


def test_unusual_customers_are_reported_by_kind_without_an_address() -> None:
    shop = Shop()
    shop.other_price()
    one, two = shop.buys("ada", account_id="acc_same"), shop.buys("bob", account_id="acc_same")
    nameless = shop.buys("cyd", email=False)
    odd = shop.buys("dan", account_id="not well formed")
    stranger = shop.buys("eve", "other", account_id="acc_eve")
    gone = shop.buys("fay")
    torn = shop.buys("gil", account_id="acc_gil")
    for subscription in shop.objects("subscription"):
        if subscription["customer"] == torn:
            shop.stage.post(
                f"/v1/subscriptions/{subscription['id']}", metadata={"account_id": "acc_other"}
            )
    shop.stage.call("DELETE", f"/v1/customers/{gone}")
    subscriptions = {
        subscription["customer"]: subscription["id"]
        for subscription in shop.objects("subscription")
    }
    assert shop.findings() == {
        ("shared_account_id", ("acc_same", *sorted((one, two)))),
        ("no_email", (nameless,)),
        ("malformed_account_id", (odd,)),
        ("unknown_price", (subscriptions[stranger], stranger)),
        ("deleted", (gone,)),
        ("several_account_ids", (torn, "acc_gil", "acc_other")),
    }
    found = shop.survey()
    assert {candidate.customer for candidate in found.candidates} == {
        one,
        two,
        nameless,
        odd,
        stranger,
        torn,
    }
    text = "\n".join(report(found.findings))
    assert "@" not in text.replace("metadata", "")
    assert f"  {nameless}" in text
    shop.later(3).imports()
    first, second = sorted((one, two))
    assert {candidate.account_id for candidate in found.candidates} == set(shop.accounts) - {
        derived_id(second)
    }, "the dry run says what the import does"
    assert list(shop.accounts["acc_same"].customers) == [first]


def test_the_oldest_customer_makes_the_account_that_several_name_and_gives_its_address() -> None:
    shop = Shop()
    bought = []
    for number in range(6):
        proof = proving("acc_same") if number == 4 else {"account_id": "acc_same"}
        bought.append(shop.buys(f"customer{number}", **proof))
        shop.later(number + 1)
    assert shop.imports() == {"imported": 2, "apart": 4}
    account = shop.accounts["acc_same"]
    assert account.email == "customer0@example.com"
    assert list(account.customers) == [bought[0], bought[4]]
    waiting = {one.origin for one in shop.place.accounts.with_waiting_join()}
    assert waiting == {bought[number] for number in (1, 2, 3, 5)}


def test_customers_of_the_other_mode_are_not_imported() -> None:
    shop = Shop()
    shop.buys("ada")
    with pytest.raises(InvalidInput, match="its stripe-api-key is of the test mode"):
        list(listed(SimTransport(shop.stage), "/v1/customers", True))


def test_objects_that_cannot_be_read_or_have_no_customer_are_named() -> None:
    price = {"id": "price_1", "lookup_key": "pro_monthly"}
    subscription = {
        "id": "sub_1",
        "object": "subscription",
        "status": "active",
        "created": 1_700_000_000,
        "items": {"data": [{"price": price}]},
    }
    riddles = [
        {"id": "sub_2", "status": "odd", "customer": "cus_1"},
        {"id": ["?"]},
        {**subscription, "id": "sub_3", "items": {"data": []}},
    ]
    found = survey([{"id": "cus_1", "email": 7}], [subscription, *riddles], QUIET)
    assert {(one.code, one.about) for one in found.findings} == {
        ("no_customer", ("sub_1",)),
        ("unreadable", ("sub_2",)),
        ("unreadable", ("?",)),
        ("unreadable", ("cus_1",)),
    }
    assert found.candidates == ()
    assert {one.code for one in found.findings} <= set(FINDINGS)
    assert report([Finding("gone", ("cus_1",))]) == [f"{FINDINGS['gone']} (1)", "  cus_1"]


def test_who_has_an_instance_already_is_imported_with_it_and_the_others_get_one() -> None:
    shop = Shop()
    policy = replace(QUIET, instance=INSTANCES)
    shop.place.policy = policy
    has, new = shop.buys("ada"), shop.buys("bob")
    instances = instances_in(f"{has}  https://ada.acme.app\n\n")
    candidates = shop.later(5).survey().candidates
    outcomes = [one for _, one, _ in run_import(candidates, shop.place.services, instances)]
    assert outcomes == ["imported", "imported"]
    found = shop.place.accounts.of_customers({has: "", new: ""})
    known, made = found[has].instance, found[new].instance
    assert (known.status, known.url, known.request) == ("ready", "https://ada.acme.app", None)
    assert made.status == "creating"
    again = [one for _, one, _ in run_import(candidates, shop.place.services, instances)]
    assert again == ["known", "known"]
    for wrong in ("cus_1", "acc_1 https://ada.acme.app", "cus_1 https://a.app x"):
        with pytest.raises(InvalidInput):
            instances_in(wrong)
