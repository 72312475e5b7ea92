"""What an account keeps, and for how long."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.account import (
    ENDED_KEPT,
    INVOICES_KEPT,
    Account,
    Billed,
    Fact,
    Profile,
    apply,
)
from chalicelib.domain.facts import (
    Answer,
    Answered,
    Ask,
    Customer,
    CustomerSeen,
    Event,
    Invoice,
    InvoiceSeen,
    Subscription,
    SubscriptionSeen,
)
from chalicelib.domain.pointers import Pointer, pointers
from tests.worlds import learnt

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def subscription(number: int, status: str = "canceled") -> Subscription:
    return Subscription(
        f"sub_{number:02}",
        "cus_1",
        status,
        T + number * DAY,
        ended_at=T + (number + 1) * DAY if status == "canceled" else None,
    )


def invoice(number: int, of: str = "sub_50", status: str = "paid", attempts: int = 1) -> Invoice:
    return Invoice(
        f"in_{of}_{number:02}", "cus_1", status, T + number * DAY, of, attempt_count=attempts
    )


def knowing(*facts: Fact) -> Account:
    account = Account("acc_1")
    for fact in facts:
        account = apply(account, fact)
    return account


def test_of_ended_subscriptions_the_last_five_stay_whole_and_the_rest_only_by_id_and_end() -> None:
    account = knowing(
        *(SubscriptionSeen(subscription(n), Event(T + (n + 1) * DAY)) for n in range(8))
    )
    assert sorted(account.subscriptions) == ["sub_03", "sub_04", "sub_05", "sub_06", "sub_07"]
    assert len(account.subscriptions) == ENDED_KEPT
    assert account.ended == {f"sub_0{n}": T + (n + 1) * DAY for n in range(3)}


def test_what_is_buried_never_rises_again() -> None:
    account = knowing(
        *(SubscriptionSeen(subscription(n), Event(T + (n + 1) * DAY)) for n in range(8))
    )
    again = apply(account, SubscriptionSeen(subscription(0, "active"), Event(T + 99 * DAY)))
    assert (
        apply(
            apply(again, SubscriptionSeen(subscription(0, "active"), Answer(T + 99 * DAY, ""))),
            InvoiceSeen(invoice(1, "sub_00"), T),
        )
        == account
    )


def test_of_each_subscription_the_last_twelve_invoices_stay() -> None:
    facts = [
        InvoiceSeen(invoice(n, of), T + n * DAY) for n in range(15) for of in ("sub_50", "sub_51")
    ]
    account = knowing(*facts)
    assert len(account.invoices) == 2 * INVOICES_KEPT
    assert min(billed.value.created for billed in account.invoices.values()) == T + 3 * DAY
    assert knowing(*facts, facts[0]) == account


@given(st.data())
def test_learning_is_a_join(data: st.DataObject) -> None:
    """Neither order nor number matters, over burials and pruning too."""
    facts: list[Fact] = [
        SubscriptionSeen(subscription(n), Event(T + (n + 1) * DAY)) for n in range(8)
    ]
    facts += [SubscriptionSeen(subscription(n, "active"), Event(T + n * DAY)) for n in range(8)]
    facts += [InvoiceSeen(invoice(n, f"sub_0{n % 3 * 3}"), T + n * DAY) for n in range(40)]
    chosen = data.draw(st.lists(st.sampled_from(facts), min_size=len(facts)))
    assert learnt(knowing(*data.draw(st.permutations(facts + chosen[:10])))) == learnt(
        knowing(*facts)
    )


@given(st.permutations(["draft", "open", "uncollectible", "paid"]))
def test_an_invoice_only_goes_forward(order: list[str]) -> None:
    """In one second too, without asking."""
    account = knowing(*(InvoiceSeen(invoice(1, status=status, attempts=0), T) for status in order))
    assert account.invoices["in_sub_50_01"].value.status == "paid"
    assert account.asks == ()


def test_of_one_status_the_invoice_with_more_attempts_counts_whenever_it_came() -> None:
    tried = InvoiceSeen(invoice(1, status="open", attempts=2), T)
    assert knowing(tried, InvoiceSeen(invoice(1, status="open", attempts=1), T + DAY)) == knowing(
        tried
    )


def test_a_tie_is_asked_for_until_it_is_answered() -> None:
    a, b = subscription(1, "active"), subscription(1, "past_due")
    tied = knowing(SubscriptionSeen(a, Event(T)), SubscriptionSeen(b, Event(T)))
    assert tied.asks == (Ask("subscription", "sub_01"),)
    assert tied.subscriptions["sub_01"].value == a
    answered = apply(
        tied, Answered(tied.asks[0], (SubscriptionSeen(b, Answer(T, tied.mark("sub_01"))),))
    )
    assert answered.asks == ()
    assert answered.subscriptions["sub_01"].value == b


def test_when_a_subscription_ends_its_customer_is_fetched_as_it_may_be_deleted_too() -> None:
    living, ended = (
        SubscriptionSeen(subscription(1, status), Event(T + after))
        for status, after in (("active", 0 * DAY), ("canceled", DAY))
    )
    account = knowing(living, ended)
    assert account.asks == (Ask("customer", subscription(1, "active").customer),)
    assert apply(account, ended) == account
    gone = CustomerSeen(Customer(account.asks[0].id, deleted=True), Event(T + DAY))
    assert knowing(living, gone, ended).asks == (), "it is known already"
    assert knowing(ended).asks == (), "who was never seen alive is asked for when it is adopted"


def test_an_answer_that_stripe_knows_nothing_settles_too() -> None:
    account = Account("acc_1").asking(Ask("customer", "cus_1"))
    assert apply(account, Answered(Ask("customer", "cus_1"))) == Account("acc_1")


def test_the_address_is_that_of_the_signup_and_else_of_the_customer() -> None:
    account = knowing(CustomerSeen(Customer("cus_1", "Ada@Example.com", "Ada"), Event(T)))
    assert (account.email, account.name) == ("Ada@Example.com", "Ada")
    assert replace(account, profile=Profile("ada@home.example", "A.")).email == "ada@home.example"
    deleted = apply(account, CustomerSeen(Customer("cus_1", deleted=True), Event(T)))
    assert deleted.email is None


def test_an_account_is_found_by_its_customers_addresses_and_external_id() -> None:
    account = replace(
        knowing(
            CustomerSeen(Customer("cus_1", " Ada@Example.com"), Event(T)),
            CustomerSeen(Customer("cus_2"), Event(T)),
        ),
        profile=Profile("ada@home.example", external_id="42"),
    )
    assert pointers(account) == {
        Pointer("CUSTOMER", "cus_1"),
        Pointer("CUSTOMER", "cus_2"),
        Pointer("EXTERNAL", "42"),
        Pointer("EMAIL", "ada@example.com"),
        Pointer("EMAIL", "ada@home.example"),
    }


def test_a_billed_invoice_keeps_when_it_was_seen() -> None:
    account = knowing(InvoiceSeen(invoice(1), T))
    assert account.invoices["in_sub_50_01"] == Billed(invoice(1), T)
