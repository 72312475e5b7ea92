"""What becomes of each message, whatever becomes of its neighbours."""

import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.state import Account
from chalicelib.domain.bounds import most
from chalicelib.domain.errors import ConcurrentUpdate, Unavailable
from chalicelib.stripe_api import answers
from chalicelib.usecases.ingestion.ingest import EFFECTS, Message, Outcome, ingest
from local.recordings import Recording, Truth
from tests.fakes.faults import OutsideCalls
from tests.fakes.memory.accounts import MemoryAccounts
from tests.fakes.services import POLICY, RECORDINGS, FakeServices, at, proving
from tests.fakes.stripe.reader import NOTHING, FakeReader
from tests.unit.usecases.ingestion.test_ingest_recordings import messages

TRIAL = RECORDINGS["trial_converts"]
CREATED, SUBSCRIBED = TRIAL.events[0], TRIAL.events[4]


def effects(outcomes: list[Outcome]) -> list[str]:
    assert all(outcome.effect in EFFECTS for outcome in outcomes)
    return [outcome.effect for outcome in sorted(outcomes, key=lambda outcome: outcome.message)]


def arrive(place: FakeServices, *events: dict[str, Any], truth: Any = None) -> list[str]:
    place.stripe.reader.truth = truth or TRIAL.truth(len(TRIAL.events))
    return effects(ingest(messages(list(events)), place.services))


def altered(event: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**event, "data": {**event["data"], "object": {**event["data"]["object"], **fields}}}


def test_a_bad_message_does_not_stop_its_neighbours(place: FakeServices) -> None:
    place.stripe.reader.truth = TRIAL.truth(5)
    batch = [
        Message("m0", "{broken"),
        *messages(TRIAL.events[:5])[1:],
        Message("m9", json.dumps({**CREATED, "created": "never"})),
    ]
    outcomes = {outcome.message: outcome.effect for outcome in ingest(batch, place.services)}
    assert outcomes == {
        "m0": "dead_lettered",
        "m1": "applied",
        "m2": "applied",
        "m3": "applied",
        "m4": "applied",
        "m9": "dead_lettered",
    }
    assert [(body, attributes["code"]) for body, attributes in place.dead_letters.messages] == [
        ("{broken", "unreadable"),
        (batch[-1].body, "unreadable"),
    ]
    assert place.dead_letters.messages[0][1]["reason"] == "The body is no JSON."


def test_a_repeat_changes_nothing_and_causes_nothing(place: FakeServices) -> None:
    arrive(place, CREATED)
    before = place.accounts.only()
    assert arrive(place, CREATED, CREATED) == ["unchanged", "unchanged"]
    assert arrive(place, {**CREATED, "id": "evt_another"}) == ["unchanged"]
    assert place.accounts.only() == before


def test_types_that_tell_nothing_are_left(place: FakeServices) -> None:
    charge = next(event for event in TRIAL.events if event["type"] == "charge.succeeded")
    assert arrive(place, charge, {**CREATED, "type": "sigma.scheduled_query_run.created"}) == [
        "ignored",
        "ignored",
    ]
    assert place.accounts.items == {}


def test_a_customer_of_another_product_is_left_without_a_question(place: FakeServices) -> None:
    stranger = altered(CREATED, metadata={}, id="cus_stranger")
    theirs = altered(SUBSCRIBED, metadata={}, customer="cus_stranger", items={"data": []})
    assert (
        arrive(place, stranger, theirs, altered(TRIAL.events[1], customer="cus_stranger"))
        == ["foreign"] * 3
    )
    assert place.accounts.items == {}
    assert place.stripe.reader.asked == []


def test_an_account_id_that_is_none_adopts_nobody(place: FakeServices) -> None:
    for id in ("", "a b", "x" * 65, "ACCOUNT#1", 7, None):
        assert arrive(place, altered(CREATED, metadata={"account_id": id}, id="cus_stranger")) == [
            "foreign"
        ]


def test_an_invoice_that_merely_names_a_customer_adopts_nobody(place: FakeServices) -> None:
    assert arrive(place, TRIAL.events[1]) == ["foreign"]
    assert place.stripe.reader.asked == []


def test_a_plan_of_the_catalogue_adopts_under_an_id_derived_from_the_customer(
    place: FakeServices,
) -> None:
    truth = TRIAL.truth(5)
    customer = next(iter(truth.customers))
    truth.customers[customer] = {**truth.customers[customer], "metadata": {}}
    for id, raw in truth.subscriptions.items():
        truth.subscriptions[id] = {**raw, "metadata": {}}
    subscribed = altered(SUBSCRIBED, metadata={})
    assert arrive(place, subscribed, truth=truth) == ["applied"]
    assert place.accounts.only().id == "acc_" + customer.removeprefix("cus_")


def test_the_customers_own_account_id_goes_before_the_subscriptions(place: FakeServices) -> None:
    assert arrive(place, altered(SUBSCRIBED, metadata={"account_id": "acc_of_subscription"})) == [
        "applied"
    ]
    assert place.accounts.only().id == "acct_demo"


def asked(place: FakeServices) -> list[str]:
    """What Stripe was asked, without ids."""
    return [question.split()[0] for question in place.stripe.reader.asked]


def unnamed(recording: Recording, events: int) -> Truth:
    """What Stripe holds after so many events, where no metadata names an account."""
    whole = recording.truth(events)
    return Truth(
        {id: {**raw, "metadata": {}} for id, raw in whole.customers.items()},
        {id: {**raw, "metadata": {}} for id, raw in whole.subscriptions.items()},
        whole.invoices,
    )


def test_an_adoption_by_the_customers_own_event_asks_stripe_twice_once_the_pointer_stands(
    place: FakeServices,
) -> None:
    arrive(place, CREATED, truth=TRIAL.truth(1))
    assert asked(place) == ["customer-and-subscriptions", "invoices"]
    arrive(place, *TRIAL.events)
    assert asked(place)[2:] == []


def test_an_adoption_by_a_subscription_asks_whose_it_is_and_what_came_before_the_pointer(
    place: FakeServices,
) -> None:
    assert arrive(place, altered(SUBSCRIBED, metadata={}), truth=unnamed(TRIAL, 5)) == ["applied"]
    assert asked(place) == ["subscriptions-and-customer", "invoices-and-customer"]
    account = place.accounts.only()
    (customer,) = account.customers
    assert account.customers[customer].asked
    assert account.subscriptions.keys() == TRIAL.truth(5).subscriptions.keys()
    assert account.invoices.keys() == TRIAL.truth(5).invoices.keys()
    assert account.asks == ()


@pytest.mark.parametrize("names", [True, False])
def test_what_happens_at_stripe_until_the_pointer_stands_is_learned(
    place: FakeServices, monkeypatch: pytest.MonkeyPatch, names: bool
) -> None:
    save, later = place.accounts.save, TRIAL.truth(7) if names else unnamed(TRIAL, 7)

    def save_late(old: Account, new: Account) -> None:
        save(old, new)
        place.stripe.reader.truth = later

    monkeypatch.setattr(place.accounts, "save", save_late)
    event = CREATED if names else altered(SUBSCRIBED, metadata={})
    arrive(place, event, truth=TRIAL.truth(5) if names else unnamed(TRIAL, 5))
    (customer,) = place.accounts.only().customers.values()
    assert customer.value.card, "the card was given meanwhile"
    assert customer.value == answers.customer(next(iter(later.customers.values()))).value


def test_an_ended_subscription_that_an_invoice_names_is_asked_for(place: FakeServices) -> None:
    ended = RECORDINGS["canceled_at_once"]
    assert arrive(place, ended.events[0], truth=ended.truth()) == ["applied"]
    assert asked(place) == ["customer-and-subscriptions", "invoices", "subscriptions"]
    account = place.accounts.only()
    assert [one.value.status for one in account.subscriptions.values()] == ["canceled"]


def test_more_subscriptions_than_stripe_tells_with_a_customer_are_asked_for(
    place: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = FakeReader.customer_with_subscriptions

    def some(reader: FakeReader, id: str) -> Any:
        found = both(reader, id)
        return found and (found[0], None)

    monkeypatch.setattr(FakeReader, "customer_with_subscriptions", some)
    arrive(place, CREATED, truth=TRIAL.truth(5))
    assert asked(place) == ["customer-and-subscriptions", "invoices", "subscriptions"]
    assert place.accounts.only().subscriptions


def test_a_customer_that_names_an_account_which_exists_is_asked_for_first(
    place: FakeServices,
) -> None:
    arrive(place, CREATED, truth=TRIAL.truth(1))
    place.stripe.reader.asked.clear()
    other = altered(CREATED, id="cus_other")
    assert arrive(place, {**other, "id": "evt_other"}) == ["applied"]
    assert asked(place)[0] == "customer"
    account = place.accounts.load("acct_demo")
    assert account
    assert "cus_other" not in account.customers


def test_old_news_of_a_customer_is_believed_only_by_stripes_answer(place: FakeServices) -> None:
    place.stripe.reader.truth = unnamed(TRIAL, 1)
    place.now.at = at(CREATED["created"]) + timedelta(days=2)
    assert effects(ingest(messages([CREATED]), place.services)) == ["applied"]
    assert asked(place)[0] == "customer"


def test_news_that_came_before_the_adoption_is_not_lost(place: FakeServices) -> None:
    assert arrive(place, *TRIAL.events[1:4]) == ["foreign"] * 3
    assert arrive(place, CREATED, truth=TRIAL.truth(5)) == ["applied"]
    assert [billed.value.status for billed in place.accounts.only().invoices.values()] == ["paid"]


def test_an_account_that_is_proved_is_joined_and_not_overwritten(place: FakeServices) -> None:
    arrive(place, CREATED, truth=TRIAL.truth(1))
    other = RECORDINGS["buys_without_trial"]
    truth = other.truth(len(other.events))
    truth.customers.update(
        {id: {**raw, "metadata": proving("acct_demo")} for id, raw in truth.customers.items()}
    )
    place.stripe.reader.truth = truth
    place.now.at = at(other.events[-1]["created"])
    assert set(effects(ingest(messages(other.events), place.services))) == {"applied", "ignored"}
    assert len(place.accounts.only().customers) == 2


def test_an_account_that_is_full_of_customers_takes_no_more_and_each_gets_its_own(
    place: FakeServices,
) -> None:
    arrive(place, CREATED)
    for number in range(most("customers") + 2):
        named = altered(CREATED, id=f"cus_{number}", metadata=proving("acct_demo"))
        assert arrive(place, {**named, "id": f"evt_{number}"}) == ["applied"]
    full = place.accounts.load("acct_demo")
    assert full
    assert len(full.customers) == most("customers")
    for number in range(most("customers") - 1, most("customers") + 2):
        own = place.accounts.load(f"acc_{number}")
        assert own
        assert list(own.customers) == [f"cus_{number}"]


def test_with_stripe_down_an_adoption_waits_and_the_rest_goes_on(place: FakeServices) -> None:
    arrive(place, CREATED)
    place.stripe.reader.down = True
    other = RECORDINGS["buys_without_trial"].renamed("b")
    place.now.at = at(TRIAL.events[6]["created"])
    assert arrive(place, other.events[0], TRIAL.events[6]) == ["retry", "applied"]
    place.stripe.reader.down = False
    assert arrive(place, other.events[0], truth=other.truth(1)) == ["applied"]


def test_a_tie_that_stripe_cannot_settle_now_is_on_the_agenda_and_the_message_done(
    place: FakeServices,
) -> None:
    arrive(place, CREATED, SUBSCRIBED, truth=TRIAL.truth(5))
    place.now.at = at(SUBSCRIBED["created"]) + timedelta(minutes=1)
    place.stripe.reader.down = True
    tie = altered(
        {**SUBSCRIBED, "type": "customer.subscription.updated", "id": "evt_tie"}, status="past_due"
    )
    assert arrive(place, tie) == ["applied"]
    account = place.accounts.only()
    assert account.asks == (FetchRequest("subscription", SUBSCRIBED["data"]["object"]["id"]),)
    assert account.due_at == place.now.at + timedelta(minutes=1)
    assert arrive(place, tie) == ["unchanged"]
    place.stripe.reader.down = False
    assert arrive(place, tie, truth=TRIAL.truth(5)) == ["applied"]
    assert place.accounts.only().asks == ()


def test_once_stripe_is_down_a_batch_does_not_wait_for_it_again(place: FakeServices) -> None:
    arrive(place, CREATED, SUBSCRIBED, truth=TRIAL.truth(5))
    place.now.at = at(SUBSCRIBED["created"]) + timedelta(minutes=1)
    place.stripe.reader.down = True
    place.stripe.reader.asked.clear()
    subscription = altered(
        {**SUBSCRIBED, "type": "customer.subscription.updated"}, status="past_due"
    )
    customer = altered({**CREATED, "type": "customer.updated"}, name="Another")
    arrive(place, subscription, customer)
    assert len(place.stripe.reader.asked) == 1


def test_old_news_of_a_subscription_never_heard_of_grants_nothing_before_stripe_confirms_it(
    place: FakeServices,
) -> None:
    arrive(place, CREATED, truth=TRIAL.truth(1))
    place.now.at = at(SUBSCRIBED["created"]) + timedelta(days=2)
    place.stripe.reader.down = True
    assert arrive(place, SUBSCRIBED) == ["applied"]
    assert standing(place.accounts.only(), POLICY, place.now.at).access == "none"
    place.stripe.reader.down = False
    arrive(place, SUBSCRIBED, truth=TRIAL.truth(5))
    assert standing(place.accounts.only(), POLICY, place.now.at).access == "full"


def test_old_news_of_a_customer_that_stripe_does_not_know_adopts_nobody(
    place: FakeServices,
) -> None:
    place.now.at = at(CREATED["created"]) + timedelta(days=2)
    assert effects(ingest(messages([CREATED]), place.services)) == ["foreign"]
    assert place.accounts.items == {}


def test_a_batch_for_one_account_costs_one_read_one_write_and_one_log(
    place: FakeServices, outside_calls: OutsideCalls
) -> None:
    arrive(place, CREATED, truth=TRIAL.truth(1))
    place.now.at = at(TRIAL.events[8]["created"])
    ingest(
        messages(
            [event for event in TRIAL.events[1:] if event["created"] <= TRIAL.events[8]["created"]][
                -10:
            ]
        ),
        outside_calls.watch(place.services),
    )
    assert [call for call in outside_calls.made if not call.startswith("stripe")] == [
        "accounts.of_customers",
        # for what happened last; the process that published it remembers that
        "timeline.missing",
        "accounts.save",
        # for the trial, the customer, and the revenue of the day
        "figures.put",
        "figures.put",
        "figures.put",
        "timeline.put",
        # for the two domain events that others can read
        "feed.last",
        "feed.append",
        "timeline.put_event",
        "timeline.put_event",
    ]


class Slow(MemoryAccounts):
    """Another writer is faster at the first saves."""

    races = 3

    def save(self, old: Any, new: Any) -> None:
        if self.races:
            self.races -= 1
            raise ConcurrentUpdate("Another writer was faster.")
        super().save(old, new)


def test_a_lost_race_is_run_again_in_place(place: FakeServices) -> None:
    slow = Slow()
    place.accounts = slow
    assert arrive(place, CREATED) == ["applied"]
    slow.races = 3
    assert arrive(place, *TRIAL.events) == arrive(FakeServices(), *TRIAL.events)


def test_races_lost_for_ever_give_the_message_back(place: FakeServices) -> None:
    arrive(place, CREATED, truth=TRIAL.truth(1))
    slow = Slow(place.accounts.items, place.accounts.owners)
    slow.races = 1000
    place.accounts = slow
    assert arrive(place, SUBSCRIBED) == ["retry"]


@pytest.mark.parametrize(
    "part", ["accounts.of_customers", "accounts.save", "timeline.put", "accounts.load"]
)
@pytest.mark.parametrize("failure", [Unavailable("throttled"), RuntimeError("a defect")])
def test_what_fails_is_given_back_and_comes_right_the_next_time(
    place: FakeServices, part: str, failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    adapter, verb = part.split(".")
    with monkeypatch.context() as patch:
        patch.setattr(getattr(place, adapter), verb, fail)
        outcomes = ingest(messages([CREATED]), place.services)
        assert [(outcome.effect, outcome.failure) for outcome in outcomes] == [
            ("retry", failure)
        ] or part == "accounts.load"
    assert arrive(place, CREATED)[0] in {"applied", "unchanged"}
    assert place.accounts.only().customers


def test_dead_letters_that_cannot_be_sent_are_given_back(
    place: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise Unavailable("The queue did not take the message.")

    monkeypatch.setattr(place.dead_letters, "send", fail)
    assert effects(ingest([Message("m0", "{")], place.services)) == ["retry"]


def test_the_timeline_tells_each_event_once_with_what_was_projected(place: FakeServices) -> None:
    arrive(place, *TRIAL.events[:5], *TRIAL.events[:5])
    entries = [entry for entry in place.timeline.entries.values() if entry.kind == "stripe"]
    assert [entry.type for entry in sorted(entries, key=lambda entry: entry.id)] == [
        event["type"] for event in sorted(TRIAL.events[:5], key=lambda event: str(event["id"]))
    ]
    assert all(entry.data.id and entry.keep_for == timedelta(days=30) for entry in entries)


def test_nothing_known_and_nothing_wanted_costs_nothing(
    place: FakeServices, outside_calls: OutsideCalls
) -> None:
    place.stripe.reader.truth = NOTHING
    assert ingest([], outside_calls.watch(place.services)) == []
    assert outside_calls.made == []


def test_after_a_rollback_what_a_younger_release_wrote_waits_and_the_others_do_not(
    place: FakeServices,
) -> None:
    arrive(place, CREATED)
    written = place.accounts.items["acct_demo"]
    place.accounts.items["acct_demo"] = younger = written | {"shape": {"N": "99"}}
    other = altered(CREATED, id="cus_other", metadata={"account_id": "acct_other"})
    assert arrive(place, CREATED, other, {**CREATED, "id": "evt_again"}) == [
        "retry",
        "applied",
        "retry",
    ]
    assert place.accounts.items["acct_demo"] == younger
    place.accounts.items["acct_demo"] = written
    assert arrive(place, CREATED) == ["unchanged"]
