"""What is news for the team, and what a day comes to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.facts import SubscriptionSnapshot
from chalicelib.domain.account.ordering import FromEvent
from chalicelib.domain.account.parts.invoices import TrackedInvoice
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.event_catalogue import CATALOGUE
from chalicelib.domain.errors import PolicyMistakes
from chalicelib.domain.messaging.team import (
    CATCH_UP,
    GROUPS,
    DigestState,
    by_group,
    day_of,
    days_due,
    group_of,
    is_news,
    notice_of,
    of_the_day,
)
from chalicelib.domain.policy.read import read_policy
from chalicelib.domain.policy.team import NOTICES
from chalicelib.domain.stripe_objects.objects import CancellationDetails, Invoice, Subscription
from chalicelib.outreach.team_notices import facts_of, title_of
from tests.fakes.services import POLICY, ROOT

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")
ADA = Account("acc_1", profile=Profile("ada@example.com", "Ada Byron"))
BACK: dict[str, str | int | None] = {"access_before": "none", "reason": "active"}
SHIPPED = (ROOT / "chalicelib" / "billing.toml").read_text()


def domain_event(type: str, at: datetime = T, **data: str | int | None) -> DomainEvent:
    return DomainEvent(f"acc_1.0.1.{type}.{at.timestamp():.0f}", type, at, data)


@pytest.mark.parametrize(
    ("told", "notice", "group"),
    [
        (domain_event("trial.started"), "signup", "new"),
        (domain_event("trial.converted"), "conversion", "converted"),
        (domain_event("access.granted", **BACK), "conversion", "converted"),
        (domain_event("access.granted", access_before=None, reason="trialing"), None, None),
        (domain_event("payment.failed", attempt_count=1), "failed_payment", "at_risk"),
        (domain_event("payment.failed", attempt_count=2), None, "at_risk"),
        (
            domain_event("subscription.canceling", cancels_at="2026-04-01T00:00:00Z"),
            "cancellation",
            "at_risk",
        ),
        (domain_event("subscription.canceled", cancels_at=None), "cancellation", None),
        (domain_event("subscription.canceled", cancels_at="2026-04-01T00:00:00Z"), None, None),
        (domain_event("access.revoked", reason="trial_expired"), None, "lost"),
        (domain_event("feedback.given", answer="too_expensive"), "feedback", None),
        (domain_event("notice.complained", message="failed"), "complaint", None),
        (domain_event("subscription.duplicated", number=2), "second_subscription", None),
        (domain_event("invoice.finalization_failed"), "finalization_failed", None),
        (domain_event("instance.stalled"), "instance_stalled", None),
    ],
)
def test_what_is_told_and_what_is_counted(
    told: DomainEvent, notice: str | None, group: str | None
) -> None:
    assert (notice_of(told), group_of(told)) == (notice, group)


def test_every_other_happening_is_neither() -> None:
    named = {
        "trial.started",
        "trial.converted",
        "access.granted",
        "payment.failed",
        "subscription.canceling",
        "subscription.canceled",
        "access.revoked",
        "feedback.given",
        "notice.complained",
        "subscription.duplicated",
        "invoice.finalization_failed",
        "instance.stalled",
    }
    assert {
        type
        for type in CATALOGUE.keys() - named
        if notice_of(domain_event(type)) or group_of(domain_event(type))
    } == set()


def test_what_an_import_tells_is_no_news() -> None:
    imported = replace(ADA, history_until=T)
    assert not is_news(imported, domain_event("trial.started", T + timedelta(minutes=1)))
    assert is_news(imported, domain_event("trial.converted", T + timedelta(days=3)))
    assert is_news(
        replace(ADA, history_until=T - timedelta(days=1)), domain_event("trial.started")
    ), "adopted by an event of today"
    assert is_news(ADA, domain_event("trial.started"))


def test_a_happening_counts_on_its_day_by_the_policys_clock() -> None:
    late = domain_event("trial.started", datetime(2026, 7, 1, 23, 30, tzinfo=UTC))
    entry = of_the_day(ADA, late, LONDON)
    assert entry
    assert (entry.account_id, entry.data) == (
        "#2026-07-02",
        {"account_id": "acc_1", "group": "new"},
    )
    assert of_the_day(ADA, domain_event("plan.changed"), LONDON) is None
    assert day_of(T, ZoneInfo("Pacific/Auckland")) == "2026-03-02"


def test_an_account_counts_once_in_a_group_however_often_it_fails() -> None:
    entries = [
        of_the_day(ADA, domain_event("payment.failed", T + timedelta(hours=n)), LONDON)
        for n in range(3)
    ]
    entries += [
        of_the_day(replace(ADA, id="acc_2"), domain_event("trial.started"), LONDON),
        of_the_day(ADA, domain_event("payment.failed"), LONDON),
    ]
    assert by_group([entry for entry in entries if entry]) == {
        "new": ["acc_2"],
        "at_risk": ["acc_1"],
    }
    assert by_group([]) == {}


def test_a_digest_is_due_once_its_hour_has_come() -> None:
    before, after = T.replace(hour=7), T.replace(hour=8)
    known = DigestState("2026-02-28", 1)
    assert days_due(known, before, LONDON, 8) == []
    assert days_due(known, after, LONDON, 8) == ["2026-03-01"]
    assert days_due(DigestState("2026-03-01", 2), after, LONDON, 8) == []
    assert days_due(None, after, LONDON, 8) == ["2026-03-01"], "the first time, of yesterday alone"
    assert days_due(None, before, LONDON, 8) == ["2026-02-28"]
    assert days_due(DigestState("2026-01-01", 1), after, LONDON, 8) == [
        "2026-02-27",
        "2026-02-28",
        "2026-03-01",
    ]
    assert len(days_due(DigestState("2026-01-01", 1), after, LONDON, 8)) == CATCH_UP


def canceled(details: CancellationDetails | None) -> Account:
    one = Subscription(
        "sub_1",
        "cus_1",
        "active",
        T,
        cancel_at=T + timedelta(days=30),
        cancellation_details=details,
    )
    return apply(ADA, SubscriptionSnapshot(one, FromEvent(T)))


def test_a_cancellation_is_told_with_its_reason() -> None:
    told = domain_event(
        "subscription.canceling", subscription="sub_1", cancels_at="2026-04-01T09:00:00Z"
    )
    said = canceled(
        CancellationDetails("cancellation_requested", "too_expensive", "We are\nthree people.")
    )
    facts = dict(facts_of("cancellation", said, told, POLICY))
    assert facts["Ends"] == "Wednesday, 1 April 2026 at 10:00 (Europe/London)", "in summer time"
    assert (facts["Reason"], facts["In their words"]) == ("too_expensive", "We are\nthree people.")
    assert title_of("cancellation", said, told) == "Canceled: acc_1"
    silent = dict(facts_of("cancellation", canceled(None), told, POLICY))
    assert silent["Reason"] == "none was given"
    assert "In their words" not in silent


def test_an_answer_is_told_in_its_own_words() -> None:
    told = domain_event(
        "feedback.given",
        answer="too_expensive",
        comment="Twice what we have",
        occasion="access_ended@1",
    )
    facts = dict(facts_of("feedback", ADA, told, POLICY))
    assert (facts["Answer"], facts["In their words"]) == ("too_expensive", "Twice what we have")
    assert title_of("feedback", ADA, told) == "Answered why: acc_1"


def test_a_complaint_about_a_bill_is_told_with_what_follows() -> None:
    told = domain_event("notice.complained", message="failed")
    facts = dict(facts_of("complaint", ADA, told, POLICY))
    assert facts["Message"] == "failed"
    assert "After another complaint about one, no mail goes" in facts["What follows"]
    assert title_of("complaint", ADA, told) == "Reported a bill as spam: acc_1"


def test_a_second_subscription_is_told_with_what_to_do() -> None:
    told = domain_event("subscription.duplicated", subscription="sub_2", status="active", number=2)
    facts = dict(facts_of("second_subscription", ADA, told, POLICY))
    assert (facts["Newest"], facts["Paid subscriptions"]) == ("sub_2", "2")
    assert "refund its payment" in facts["What to do"]
    assert title_of("second_subscription", ADA, told) == "Pays for two subscriptions: acc_1"


def test_a_failed_payment_is_told_with_its_amount() -> None:
    told = domain_event(
        "payment.failed",
        attempt_count=1,
        amount_due=4900,
        currency="usd",
        next_payment_attempt="2026-03-05T09:00:00Z",
    )
    facts = dict(facts_of("failed_payment", ADA, told, POLICY))
    assert facts["Amount"] == "$49.00"
    assert facts["Tried again"] == "Thursday, 5 March 2026 at 09:00 (Europe/London)"
    last = domain_event(
        "payment.failed",
        attempt_count=1,
        amount_due=4900,
        currency="usd",
        next_payment_attempt=None,
    )
    assert dict(facts_of("failed_payment", ADA, last, POLICY))["Tried again"] == "not by Stripe"


@pytest.mark.parametrize(
    ("currency", "amount", "text"),
    [
        ("kwd", 15250, "15.250 KWD"),
        ("jpy", 15250, "15,250 JPY"),
        ("isk", 1525000, "15,250 ISK"),
        ("eur", 15250, "€152.50"),
    ],
)
def test_the_team_reads_an_amount_as_its_currency_has_it(
    currency: str, amount: int, text: str
) -> None:
    told = domain_event("payment.failed", attempt_count=1, amount_due=amount, currency=currency)
    assert dict(facts_of("failed_payment", ADA, told, POLICY))["Amount"] == text


def test_the_team_reads_what_is_left_to_pay() -> None:
    told = domain_event(
        "payment.failed", attempt_count=1, amount_due=30500, currency="kwd", invoice="in_1"
    )
    partly = Invoice(*("in_1", "cus_1", "open", T, "sub_1", "kwd", 30500), amount_remaining=15250)
    amounts = {
        status: dict(facts_of("failed_payment", account, told, POLICY))["Amount"]
        for status in ("open", "paid")
        for account in [
            replace(ADA, invoices={"in_1": TrackedInvoice(replace(partly, status=status), T)})
        ]
    }
    assert amounts == {"open": "15.250 KWD", "paid": "30.500 KWD"}


def test_who_comes_back_is_told_as_that() -> None:
    assert title_of("conversion", ADA, domain_event("access.granted", **BACK)).startswith(
        "Came back: "
    )
    assert (
        title_of("conversion", Account("acc_9"), domain_event("trial.converted"))
        == "Converted: acc_9"
    )


def test_the_shipped_policy_tells_the_team_nothing_and_its_example_everything() -> None:
    assert POLICY.team is None
    lines = SHIPPED.splitlines()
    example = [line.removeprefix("# ") for line in lines[lines.index("# [operators]") :]][:9]
    operators = read_policy(SHIPPED + "\n" + "\n".join(example)).team
    assert operators
    assert operators.mail == ("ada@acme.example", "ben@acme.example")
    assert (operators.notices, operators.digest, operators.digest_hour) == (
        frozenset(NOTICES),
        True,
        8,
    )
    assert GROUPS.keys() == {"new", "converted", "lost", "at_risk"}


@pytest.mark.parametrize(
    ("table", "mistake"),
    [
        ("mail = []", "operators.mail: must list from 1 to 10"),
        ('mail = ["ada"]', "operators.mail: must list"),
        ('mail = ["ada@example.com, eve@example.com"]', "operators.mail: must list"),
        ('mail = ["a@b.example\\r\\nBcc: c@d.example"]', "operators.mail: must list"),
        ('mail = ["a@b.example", "a@b.example"]', "operators.mail: must list"),
        ('mail = ["a@b.example"]\nsignup = "yes"', "operators.signup: must be true or false"),
        (
            'mail = ["a@b.example"]\ndigest_hour = 24',
            "operators.digest_hour: must be a whole number from 0 to 23",
        ),
        ('mail = ["a@b.example"]\nrefund = true', "operators.refund: no such key"),
        ("signup = true", "operators.mail: is missing"),
    ],
)
def test_a_mistake_in_the_table_is_named(table: str, mistake: str) -> None:
    with pytest.raises(PolicyMistakes, match=mistake.replace("[", r"\[")):
        read_policy(f"{SHIPPED}\n[operators]\n{table}\n")


def test_without_mail_there_is_no_telling() -> None:
    with pytest.raises(PolicyMistakes, match="mail: is required to send mail to the team"):
        read_policy(SHIPPED.partition("[mail]")[0] + '\n[operators]\nmail = ["a@b.example"]\n')
