"""A customer at Stripe names an account that is not its own: metadata makes an account, and joins
one that exists only if it is proved.
"""

import json
from itertools import permutations
from typing import Any

import pytest

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.facts import AddressProved
from chalicelib.domain.account.queries import card_of, current_subscription, customer_for
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.decisions import cancellation
from chalicelib.pages.customer import billing_view
from chalicelib.usecases.accounts.sign_up import ask_to_sign_in
from chalicelib.usecases.ingestion.adopt import adopt_old, derived_id
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.ingestion.ingest import Message, ingest
from chalicelib.usecases.reconciliation.reconcile import reconcile
from tests.fakes.adopted_lives import ACCOUNT, AdoptedLife
from tests.fakes.memory.accounts import MemoryAccounts
from tests.fakes.services import proof_of, proving
from tests.fakes.simulated_lifecycles import SimLife

EVE = "eve@example.com"
CLAIM = {"account_id": ACCOUNT}


def paying() -> AdoptedLife:
    life = AdoptedLife().gives("tok_visa")
    life.sells()
    return life


def made(life: AdoptedLife, email: str = EVE, **more: Any) -> str:
    """Another customer at Stripe."""
    return str(life.post("/v1/customers", email=email, **more)["id"])


def sold(life: AdoptedLife, customer: str, **more: Any) -> str:
    items = [{"price": life.stage.price("pro_monthly")}]
    life.stage.gives(customer, "tok_visa")
    found = life.post("/v1/subscriptions", customer=customer, items=items, **more)
    return str(found["id"])


def account(life: AdoptedLife, id: str) -> Account:
    found: Account | None = life.place.accounts.load(id)
    assert found, f"no account {id}"
    return found


def apart(life: AdoptedLife, customer: str) -> Account:
    """The account of a customer that joined none."""
    assert list(life.account.customers) == [life.customer]
    found = account(life, derived_id(customer))
    assert list(found.customers) == [customer]
    return found


def names(one: Account) -> str | None:
    """The account that its customer named in vain."""
    return one.refused_join.account_id if one.refused_join else None


def refusals(life: AdoptedLife) -> int:
    return life.place.metrics["JoinsRefused"]


def test_a_stranger_who_names_an_account_gets_one_apart_and_takes_nothing_over() -> None:
    life = paying()
    before = life.account
    stranger = made(life, metadata=CLAIM)
    theirs = apart(life, stranger)
    assert life.account == before
    assert (theirs.email, theirs.standing and theirs.standing.access) == (EVE, "none")
    assert names(theirs) == ACCOUNT
    assert refusals(life) == 1
    ask_to_sign_in(EVE, life.place.services)
    assert life.account.sign_in_asked_at is None


def test_a_stranger_who_pays_has_what_was_paid_for_apart() -> None:
    life = paying()
    stranger = made(life, metadata=CLAIM)
    sold(life, stranger, metadata=CLAIM)
    theirs = apart(life, stranger)
    found = standing(theirs, life.policy, life.now)
    assert (found.access, found.plan) == ("full", "pro")
    assert refusals(life) == 1


@pytest.mark.parametrize("proof", ["", "0" * 64, proof_of("acc_eve"), {"a": 1}, 7])
def test_a_wrong_proof_is_none(proof: Any) -> None:
    life = paying()
    event = {
        "id": "evt_eve",
        "object": "event",
        "type": "customer.created",
        "livemode": False,
        "created": life.stage.second,
        "data": {
            "object": {
                "id": "cus_eve",
                "object": "customer",
                "email": EVE,
                "metadata": {**CLAIM, "account_proof": proof},
            }
        },
    }
    (outcome,) = ingest([Message("evt_eve", json.dumps(event))], life.place.services)
    assert (outcome.effect, outcome.account) == ("applied", derived_id("cus_eve"))
    apart(life, "cus_eve")


def test_a_claim_on_a_subscription_alone_joins_nobody() -> None:
    life = paying()
    stranger = made(life)
    sold(life, stranger, metadata=CLAIM)
    assert apart(life, stranger).refused_join
    assert refusals(life) == 1


def test_events_again_and_in_every_order_land_the_same_and_count_once() -> None:
    life = paying()
    life.arrives = lambda events: []
    since = life.heard
    stranger = made(life, metadata=CLAIM)
    sold(life, stranger, metadata=CLAIM)
    events = life.stage.engine.store.events[since:]
    telling = [one for one in events if one["data"]["object"].get("metadata")][:4]
    assert len(telling) > 2
    before = dict(life.place.accounts.items), dict(life.place.accounts.owners)
    for order in permutations(telling):
        life.place.accounts.items, life.place.accounts.owners = map(dict, before)
        life.place.metrics.clear()
        for event in (*order, *order[:1]):
            ingest([Message(event["id"], json.dumps(event))], life.place.services)
        theirs = apart(life, stranger)
        assert standing(theirs, life.policy, life.now).access == "full"
        assert names(theirs) == ACCOUNT
        assert refusals(life) == 1


def test_the_import_and_the_daily_comparison_adopt_by_the_same_rule() -> None:
    life = paying()
    life.arrives = lambda events: []
    stranger = made(life, metadata=CLAIM)
    sold(life, stranger, metadata=CLAIM)
    imported = made(life, "ivy@example.com", metadata=CLAIM)
    adopt_old(imported, life.place.services, StripeFetcher(life.place.services))
    assert account(life, derived_id(imported)).refused_join
    while reconcile(life.place.services):
        pass
    apart(life, stranger)
    assert refusals(life) == 2


class Racing(MemoryAccounts):
    """Another customer that names the account is adopted just before the first save."""

    between: Any = None

    def save(self, old: Account, new: Account) -> None:
        between, self.between = self.between, None
        if between:
            between()
        super().save(old, new)


def test_of_two_customers_who_race_to_make_an_account_one_makes_it_and_one_stays_apart() -> None:
    life = AdoptedLife()
    life.place.accounts = racing = Racing()
    life.arrives = lambda events: []
    first, second = made(life, metadata=CLAIM), made(life, "ivy@example.com", metadata=CLAIM)
    services = life.place.services
    racing.between = lambda: adopt_old(second, services, StripeFetcher(services))
    adopt_old(first, services, StripeFetcher(services))
    assert list(account(life, ACCOUNT).customers) == [second]
    assert list(account(life, derived_id(first)).customers) == [first]
    assert refusals(life) == 1


def test_an_account_made_under_the_id_that_another_customer_will_get_is_not_joined() -> None:
    life = paying()
    life.arrives = lambda events: []
    real = made(life, "ada@other.example")
    life.arrives = list
    squatter = made(life, metadata={"account_id": derived_id(real)})
    sold(life, real)
    assert list(account(life, derived_id(real)).customers) == [squatter]
    theirs = account(life, life.place.accounts.owners[real])
    assert theirs.id.startswith(f"{derived_id(real)}_")
    assert standing(theirs, life.policy, life.now).access == "full"
    named = made(life, metadata={"account_id": derived_id(real)})
    assert account(life, derived_id(named)).refused_join
    assert refusals(life) == 1


def test_an_edit_in_the_dashboard_moves_no_customer() -> None:
    life = paying()
    stranger = made(life, metadata=CLAIM)
    life.post(f"/v1/customers/{stranger}", metadata=proving(ACCOUNT))
    life.post(f"/v1/customers/{life.customer}", metadata={"account_id": derived_id(stranger)})
    apart(life, stranger)


# What remains allowed


def test_an_account_is_made_by_its_name_where_there_is_none() -> None:
    life = paying()
    customer = made(life, metadata={"account_id": "team-7"})
    found = account(life, "team-7")
    assert (list(found.customers), found.refused_join, found.email) == ([customer], None, EVE)


def test_a_customer_that_the_product_makes_with_the_proof_joins() -> None:
    life = paying()
    second = made(life, metadata=proving(ACCOUNT))
    assert list(life.account.customers) == [life.customer, second]
    assert life.account.email == "ada@example.com", "the address is that of the first"
    assert refusals(life) == 0


def test_a_customer_that_joins_before_stripe_knows_the_signup_does_not_give_its_address() -> None:
    life = SimLife()
    life.fault("503", 1000, "/v1/customers").sign_up()
    life.stage.api.faults.clear()
    life.stage.post("/v1/customers", email=EVE, metadata=proving(life.account_id))
    life.hear()
    assert (len(life.account.customers), life.account.email) == (1, "ada@example.com")
    life.stage.post(f"/v1/customers/{life.only('customer')['id']}", email="eve@other.example")
    life.days(1)
    assert life.account.email == "ada@example.com"
    assert life.stands() == ("full", "trialing")


def test_the_customer_of_a_signup_whose_events_come_before_the_answer_gives_its_address() -> None:
    life = SimLife()
    life.fault("timeout_after", 3, "/v1/customers").sign_up()
    life.stage.api.faults.clear()
    life.hear()
    life.days(1)
    customer = life.only("customer")["id"]
    life.stage.post(f"/v1/customers/{customer}", email="ada@other.example")
    life.days(2)
    assert (list(life.account.customers), life.account.email) == ([customer], "ada@other.example")
    assert life.place.metrics["JoinsRefused"] == 0


def test_a_proof_on_a_subscription_joins_its_customer_whatever_the_customer_names() -> None:
    life = paying()
    life.arrives = lambda events: []
    second = made(life, metadata={"account_id": ACCOUNT})
    life.arrives = list
    sold(life, second, metadata=proving(ACCOUNT))
    assert list(life.account.customers) == [life.customer, second]
    third = made(life, metadata={})
    sold(life, third, metadata=proving(ACCOUNT))
    assert third in life.account.customers
    assert refusals(life) == 0


def test_an_older_subscription_with_the_proof_joins_a_customer_whose_claim_would_be_refused() -> (
    None
):
    life = paying()
    life.arrives = lambda events: []
    second = made(life, metadata=CLAIM)
    sold(life, second, metadata=proving(ACCOUNT))
    life.arrives = list
    life.post(f"/v1/customers/{second}", name="Ada")
    assert second in life.account.customers
    assert refusals(life) == 0


@pytest.mark.parametrize("is_proved", [True, False])
def test_a_customer_with_the_same_address_joins_once_its_reader_has_proved_it(
    is_proved: bool,
) -> None:
    life = paying()
    if is_proved:
        apply_facts(life.account, [AddressProved(life.now)], life.place.services, None)
    second = made(life, "Ada@example.com", metadata=CLAIM)
    assert (second in life.account.customers) is is_proved
    assert refusals(life) == (0 if is_proved else 1)


def test_who_joins_by_the_address_leaves_the_owner_the_own_subscription_to_see_and_to_cancel() -> (
    None
):
    """Somebody typed Ada's address and account in another program, with a card that declines."""
    life = paying()
    (own,) = life.account.subscriptions
    apply_facts(life.account, [AddressProved(life.now)], life.place.services, None)
    life.days(1)
    stranger = made(life, "ada@example.com", metadata=CLAIM)
    life.stage.gives(stranger, "4000000000000341")
    items = [{"price": life.stage.price("pro_monthly")}]
    life.post("/v1/subscriptions", customer=stranger, items=items, trial_period_days=1)
    life.days(3)
    account = life.account
    assert len(account.subscriptions) == 2
    current = current_subscription(account)
    assert current
    assert current.id == own
    assert customer_for(account) == account.customers[life.customer].value
    card = card_of(account, current)
    assert card
    assert card.last4 == "4242"
    assert billing_view(account, life.policy, life.now, None, "en")["pay_url"] == ""
    ended = cancellation(account, "period_end", None, None, life.now)
    assert ended
    assert ended.subscription == own
    life.stage.call("DELETE", f"/v1/subscriptions/{own}")
    life.hear()
    left = current_subscription(life.account)
    assert left
    assert left.customer == stranger, "the next one to cancel"


def test_a_customer_that_joined_before_there_were_proofs_stays() -> None:
    life = paying()
    second = made(life, metadata=proving(ACCOUNT))
    life.post(f"/v1/customers/{second}", metadata={"account_proof": ""})
    subscription = sold(life, second)
    assert subscription in life.account.subscriptions
    assert refusals(life) == 0


def test_a_claim_of_an_erased_account_makes_none() -> None:
    life = paying()
    life.place.accounts.erase(life.account, life.now)
    stranger = made(life, metadata=CLAIM)
    assert life.place.accounts.items == {}
    assert life.place.metrics["EventsOfErased"] == 1
    assert refusals(life) == 0
    assert stranger not in life.place.accounts.owners
