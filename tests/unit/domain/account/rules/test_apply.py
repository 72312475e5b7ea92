"""What an account keeps, and for how long."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.account.facts import (
    CustomerSnapshot,
    Fact,
    FetchResult,
    InvoiceSnapshot,
    SubscriptionSnapshot,
)
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.ordering import FromEvent, FromFetch
from chalicelib.domain.account.parts.invoices import TrackedInvoice
from chalicelib.domain.account.pointers import Pointer, pointers
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.rules.invoices import SETTLED_INVOICES_KEPT
from chalicelib.domain.account.rules.stripe import ENDED_KEPT
from chalicelib.domain.account.state import Account
from chalicelib.domain.stripe_objects.objects import Customer, Invoice, Subscription
from tests.fakes.services import updated

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
        f"in_{of}_{number:02}",
        "cus_1",
        status,
        T + number * DAY,
        of,
        amount_due=4900,
        amount_paid=4900 if status == "paid" else 0,
        attempt_count=attempts,
        hosted_invoice_url=f"https://invoice.stripe.com/{of}/{number}",
    )


def knowing(*facts: Fact) -> Account:
    account = Account("acc_1")
    for fact in facts:
        account = apply(account, fact)
    return account


def test_of_ended_subscriptions_the_last_five_stay_whole_and_the_rest_only_by_id_and_end() -> None:
    account = knowing(
        *(SubscriptionSnapshot(subscription(n), FromEvent(T + (n + 1) * DAY)) for n in range(8))
    )
    assert sorted(account.subscriptions) == ["sub_03", "sub_04", "sub_05", "sub_06", "sub_07"]
    assert len(account.subscriptions) == ENDED_KEPT
    assert account.ended == {f"sub_0{n}": T + (n + 1) * DAY for n in range(3)}


def test_what_is_buried_never_rises_again() -> None:
    account = knowing(
        *(SubscriptionSnapshot(subscription(n), FromEvent(T + (n + 1) * DAY)) for n in range(8))
    )
    again = apply(account, SubscriptionSnapshot(subscription(0, "active"), FromEvent(T + 99 * DAY)))
    assert (
        apply(
            apply(
                again, SubscriptionSnapshot(subscription(0, "active"), FromFetch(T + 99 * DAY, ""))
            ),
            InvoiceSnapshot(invoice(1, "sub_00"), T),
        )
        == account
    )


def test_of_each_subscription_the_newest_settled_invoices_stay_and_the_first() -> None:
    facts = [
        InvoiceSnapshot(invoice(n, of), T + n * DAY)
        for n in range(15)
        for of in ("sub_50", "sub_51")
    ]
    account = knowing(*facts)
    assert len(account.invoices) == 2 * (SETTLED_INVOICES_KEPT + 1)
    kept = sorted({billed.value.created for billed in account.invoices.values()})
    assert kept == [T, *(T + n * DAY for n in range(11, 15))]
    assert knowing(*facts, facts[0], facts[6]) == account


def test_only_the_newest_invoices_and_those_to_be_paid_keep_their_page() -> None:
    states = ["open", "paid", "open", *["paid"] * 5]
    account = knowing(
        *(InvoiceSnapshot(invoice(n, status=states[n]), T + n * DAY) for n in range(8))
    )
    kept = [billed.value for billed in account.invoices.values() if billed.value.hosted_invoice_url]
    assert [one.id[-2:] for one in kept] == ["00", "02", "05", "06", "07"]
    account = apply(account, InvoiceSnapshot(invoice(0), T + 9 * DAY))
    assert account.invoices[invoice(0).id].value.hosted_invoice_url is None
    assert apply(account, InvoiceSnapshot(invoice(0), T + 9 * DAY)) == account


def test_an_unpaid_invoice_is_kept_however_old_it_is() -> None:
    unpaid = replace(invoice(0, "sub_50"), status="open", amount_paid=0, attempt_count=1)
    later = [InvoiceSnapshot(invoice(n, "sub_50"), T + n * DAY) for n in range(1, 80)]
    account = knowing(InvoiceSnapshot(unpaid, T), *later)
    assert account.invoices[unpaid.id].value == unpaid
    assert knowing(*later, InvoiceSnapshot(unpaid, T)).invoices == account.invoices


def test_a_late_event_about_a_settled_invoice_that_is_not_kept_makes_no_debt() -> None:
    facts = [InvoiceSnapshot(invoice(n, "sub_50"), T + n * DAY) for n in range(15)]
    late = replace(invoice(5, "sub_50"), status="open", amount_paid=0)
    assert knowing(*facts, InvoiceSnapshot(late, T + 5 * DAY)) == knowing(*facts)


@given(st.data())
def test_learning_is_a_join(data: st.DataObject) -> None:
    """Neither order nor number matters, over burials and pruning too."""
    facts: list[Fact] = [
        SubscriptionSnapshot(subscription(n), FromEvent(T + (n + 1) * DAY)) for n in range(8)
    ]
    facts += [
        SubscriptionSnapshot(subscription(n, "active"), FromEvent(T + n * DAY)) for n in range(8)
    ]
    facts += [InvoiceSnapshot(invoice(n, f"sub_0{n % 3 * 3}"), T + n * DAY) for n in range(40)]
    chosen = data.draw(st.lists(st.sampled_from(facts), min_size=len(facts)))
    assert updated(knowing(*data.draw(st.permutations(facts + chosen[:10])))) == updated(
        knowing(*facts)
    )


@given(st.permutations(["draft", "open", "uncollectible", "paid"]))
def test_an_invoice_only_goes_forward(order: list[str]) -> None:
    """In one second too, without asking."""
    account = knowing(
        *(InvoiceSnapshot(invoice(1, status=status, attempts=0), T) for status in order)
    )
    assert account.invoices["in_sub_50_01"].value.status == "paid"
    assert account.asks == ()


def test_of_one_status_the_invoice_with_more_attempts_counts_whenever_it_came() -> None:
    tried = InvoiceSnapshot(invoice(1, status="open", attempts=2), T)
    assert knowing(
        tried, InvoiceSnapshot(invoice(1, status="open", attempts=1), T + DAY)
    ) == knowing(tried)


def test_a_tie_is_asked_for_until_it_is_answered() -> None:
    a, b = subscription(1, "active"), subscription(1, "past_due")
    tied = knowing(SubscriptionSnapshot(a, FromEvent(T)), SubscriptionSnapshot(b, FromEvent(T)))
    assert tied.asks == (FetchRequest("subscription", "sub_01"),)
    assert tied.subscriptions["sub_01"].value == a
    answered = apply(
        tied,
        FetchResult(tied.asks[0], (SubscriptionSnapshot(b, FromFetch(T, tied.mark("sub_01"))),)),
    )
    assert answered.asks == ()
    assert answered.subscriptions["sub_01"].value == b


def test_when_a_subscription_ends_its_customer_is_fetched_as_it_may_be_deleted_too() -> None:
    living, ended = (
        SubscriptionSnapshot(subscription(1, status), FromEvent(T + after))
        for status, after in (("active", 0 * DAY), ("canceled", DAY))
    )
    account = knowing(living, ended)
    assert account.asks == (FetchRequest("customer", subscription(1, "active").customer),)
    assert apply(account, ended) == account
    gone = CustomerSnapshot(Customer(account.asks[0].id, deleted=True), FromEvent(T + DAY))
    assert knowing(living, gone, ended).asks == (), "it is known already"
    assert knowing(ended).asks == (), "who was never seen alive is asked for when it is adopted"


def test_an_answer_that_stripe_knows_nothing_settles_too() -> None:
    account = Account("acc_1").with_fetch(FetchRequest("customer", "cus_1"))
    assert apply(account, FetchResult(FetchRequest("customer", "cus_1"))) == Account("acc_1")


def test_the_address_is_that_of_the_signup_and_else_of_the_customer() -> None:
    account = knowing(CustomerSnapshot(Customer("cus_1", "Ada@Example.com", "Ada"), FromEvent(T)))
    assert (account.email, account.name) == ("Ada@Example.com", "Ada")
    assert replace(account, profile=Profile("ada@home.example", "A.")).email == "ada@home.example"
    deleted = apply(account, CustomerSnapshot(Customer("cus_1", deleted=True), FromEvent(T)))
    assert deleted.email is None


def test_an_account_is_found_by_its_customers_addresses_and_external_id() -> None:
    account = replace(
        knowing(
            CustomerSnapshot(Customer("cus_1", " Ada@Example.com"), FromEvent(T)),
            CustomerSnapshot(Customer("cus_2"), FromEvent(T)),
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
    account = knowing(InvoiceSnapshot(invoice(1), T))
    assert account.invoices["in_sub_50_01"] == TrackedInvoice(invoice(1), T)
