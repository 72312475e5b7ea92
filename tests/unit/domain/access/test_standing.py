"""The access and the reason in each state of an account, with each boundary second; docs/api.md
lists the reasons.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.access.standing import standing, unknown_prices
from chalicelib.domain.account.ordering import Tracked
from chalicelib.domain.account.parts.invoices import TrackedInvoice
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.standing import REASONS, Standing
from chalicelib.domain.account.state import Account, Grant
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import (
    STATUSES,
    Customer,
    Invoice,
    Item,
    PauseCollection,
    Subscription,
)
from tests.fakes.services import POLICY

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
TRIAL_END = START + timedelta(days=14)
PERIOD_END = TRIAL_END + timedelta(days=31)
SECOND = timedelta(seconds=1)
PRO = Item("price_pro", "prod_1", "pro_monthly", 3, 4900, "usd", "month")
SCALE = Item("price_scale", "prod_2", "scale_monthly", 1, 9900, "usd", "month")

TRIAL = Subscription(
    "sub_1",
    "cus_1",
    "trialing",
    START,
    (PRO,),
    trial_start=START,
    trial_end=TRIAL_END,
    period_end=TRIAL_END,
)
CONVERTED = replace(TRIAL, status="active", period_end=PERIOD_END)
BOUGHT = Subscription(
    "sub_1", "cus_1", "active", START, (PRO,), period_end=START + timedelta(days=31)
)
AT_START = Invoice("in_0", "cus_1", "paid", START, "sub_1", "usd")
FIRST = Invoice("in_1", "cus_1", "paid", TRIAL_END, "sub_1", "usd", 4900, 4900, 1, True)


def account(
    *subscriptions: Subscription,
    card: str | None = None,
    deleted: bool = False,
    invoices: Sequence[Invoice] = (),
    seen: datetime = START,
) -> Account:
    return Account(
        "acc_1",
        customers={
            "cus_1": Tracked(Customer("cus_1", "ada@example.com", "Ada", card, deleted), START)
        },
        subscriptions={one.id: Tracked(one, seen) for one in subscriptions},
        invoices={one.id: TrackedInvoice(one, START) for one in invoices},
    )


def told(of: Account, now: datetime, policy: Policy = POLICY) -> tuple[str, str, datetime | None]:
    found = standing(of, policy, now)
    assert found.reason in REASONS
    return found.access, found.reason, found.until


def test_a_signup_runs_until_the_end_fixed_for_it_though_stripe_has_not_heard() -> None:
    signed_up = replace(account(), signup=Signup("pro", TRIAL_END, START))
    assert standing(signed_up, POLICY, TRIAL_END - SECOND) == Standing(
        "trial_starting", "full", "trial_starting", "pro", ("projects", "reports"), None, TRIAL_END
    )
    assert told(signed_up, TRIAL_END) == ("none", "trial_expired", None)


def test_a_signup_counts_no_more_once_stripe_has_a_subscription() -> None:
    signed_up = replace(
        account(replace(TRIAL, status="paused")), signup=Signup("pro", TRIAL_END, START)
    )
    assert told(signed_up, START) == ("none", "paused", None)


def test_a_trial_without_a_card_closes_at_its_second() -> None:
    of = account(TRIAL)
    assert told(of, TRIAL_END - SECOND) == ("full", "trialing", TRIAL_END)
    assert told(of, TRIAL_END) == ("none", "trial_expired", None)
    assert told(of, TRIAL_END + timedelta(days=400)) == ("none", "trial_expired", None)


@pytest.mark.parametrize("on_subscription", [True, False])
def test_a_trial_with_a_card_waits_for_late_news(on_subscription: bool) -> None:
    of = account(replace(TRIAL, card="pm_1")) if on_subscription else account(TRIAL, card="pm_1")
    late = TRIAL_END + POLICY.trial.late_news
    assert told(of, TRIAL_END - SECOND) == ("full", "trialing", TRIAL_END)
    assert told(of, TRIAL_END) == ("full", "trialing", late)
    assert told(of, late - SECOND) == ("full", "trialing", late)
    assert told(of, late) == ("none", "trial_expired", None)


@pytest.mark.parametrize("status", ["active", "past_due"])
def test_a_trial_turned_active_or_past_due_is_not_paid_yet(status: str) -> None:
    closes = TRIAL_END + POLICY.trial.first_payment
    with_card = account(replace(CONVERTED, status=status), card="pm_1", invoices=[AT_START])
    assert told(with_card, TRIAL_END) == ("full", "first_payment", closes)
    assert told(with_card, closes - SECOND) == ("full", "first_payment", closes)
    assert told(with_card, closes) == ("none", "trial_expired", None)
    without = account(replace(CONVERTED, status=status), invoices=[AT_START])
    assert told(without, TRIAL_END) == ("none", "trial_expired", None)


def test_an_invoice_of_nothing_at_the_trials_end_pays_it_but_the_one_of_its_start_does_not() -> (
    None
):
    free = replace(FIRST, amount_due=0, amount_paid=0)
    assert told(account(CONVERTED, invoices=[AT_START, free]), TRIAL_END)[:2] == ("full", "active")
    assert told(account(CONVERTED, invoices=[AT_START]), TRIAL_END)[:2] == ("none", "trial_expired")
    opened = replace(FIRST, status="open", amount_paid=0)
    assert told(account(CONVERTED, invoices=[AT_START, opened]), TRIAL_END)[:2] == (
        "none",
        "trial_expired",
    )


def test_another_subscriptions_invoice_pays_nothing() -> None:
    other = replace(FIRST, subscription="sub_2")
    assert told(account(CONVERTED, invoices=[other]), TRIAL_END)[:2] == ("none", "trial_expired")


@pytest.mark.parametrize(
    "scheduled",
    [
        {"cancel_at_period_end": True},
        {"cancel_at": START + timedelta(days=31)},
        {"cancel_at_period_end": True, "cancel_at": START + timedelta(days=31)},
    ],
)
def test_a_subscription_to_be_canceled_ends_at_that_moment(scheduled: dict[str, object]) -> None:
    of = account(replace(BOUGHT, **scheduled))  # type: ignore[arg-type]
    end = START + timedelta(days=31)
    assert told(of, end - SECOND) == ("full", "canceling", end)
    assert told(of, end) == ("none", "canceled", None)


def test_a_trial_to_be_canceled_ends_at_that_moment_with_a_card_too() -> None:
    of = account(replace(TRIAL, cancel_at_period_end=True), card="pm_1")
    assert told(of, TRIAL_END - SECOND) == ("full", "trialing", TRIAL_END)
    assert told(of, TRIAL_END) == ("none", "canceled", None)
    sooner = account(replace(TRIAL, cancel_at=START + timedelta(days=3)))
    assert told(sooner, START) == ("full", "trialing", START + timedelta(days=3))


def test_an_active_subscription_goes_stale_without_news() -> None:
    stale = START + timedelta(days=31) + POLICY.access.renewal_grace
    assert told(account(BOUGHT), stale - SECOND) == ("full", "active", stale)
    assert told(account(BOUGHT), stale) == ("limited", "stale", None)
    strict = replace(POLICY, access=replace(POLICY.access, stale="none"))
    assert told(account(BOUGHT), stale, strict) == ("none", "stale", None)


def test_past_due_has_its_grace_from_the_oldest_open_tried_invoice() -> None:
    finalized = START + timedelta(days=31)
    oldest = Invoice(
        "in_1",
        "cus_1",
        "open",
        finalized,
        "sub_1",
        attempt_count=1,
        attempted=True,
        finalized_at=finalized,
    )
    newer = replace(
        oldest,
        id="in_2",
        created=finalized + timedelta(days=3),
        finalized_at=finalized + timedelta(days=3),
    )
    untried = replace(
        oldest,
        id="in_3",
        attempt_count=0,
        attempted=False,
        created=finalized - timedelta(days=9),
        finalized_at=finalized - timedelta(days=9),
    )
    of = account(replace(BOUGHT, status="past_due"), invoices=[newer, untried, oldest])
    end = finalized + POLICY.access.past_due_grace
    assert told(of, end - SECOND) == ("full", "past_due_grace", end)
    assert told(of, end) == ("limited", "past_due", None)


def test_past_due_without_its_invoice_has_its_grace_from_the_news() -> None:
    of = account(replace(BOUGHT, status="past_due"), seen=PERIOD_END)
    assert told(of, PERIOD_END) == (
        "full",
        "past_due_grace",
        PERIOD_END + POLICY.access.past_due_grace,
    )


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("incomplete", "payment_incomplete"),
        ("incomplete_expired", "incomplete_expired"),
        ("unpaid", "unpaid"),
        ("paused", "paused"),
        ("canceled", "canceled"),
    ],
)
def test_what_is_not_running_gives_nothing(status: str, reason: str) -> None:
    assert told(account(replace(BOUGHT, status=status), card="pm_1", invoices=[FIRST]), START) == (
        "none",
        reason,
        None,
    )


def test_a_deleted_customer_has_nothing() -> None:
    assert told(account(BOUGHT, deleted=True), START) == ("none", "customer_deleted", None)


def test_with_a_deleted_customer_all_has_ended_though_the_news_of_it_was_lost() -> None:
    assert standing(account(BOUGHT, deleted=True), POLICY, START).status == "canceled"
    expired = replace(BOUGHT, status="incomplete_expired")
    assert standing(account(expired, deleted=True), POLICY, START).status == "incomplete_expired"


def test_no_subscription_at_all() -> None:
    assert standing(account(), POLICY, START) == Standing("none", "none", "no_subscription")


def test_only_buried_subscriptions_are_canceled_ones() -> None:
    assert told(replace(account(), ended={"sub_0": START}), START) == ("none", "canceled", None)


@pytest.mark.parametrize(
    ("kept", "access"), [("limited", "limited"), ("none", "none"), (None, "full")]
)
def test_paused_collection_is_for_the_policy_until_it_resumes(
    kept: str | None, access: str
) -> None:
    policy = replace(POLICY, access=replace(POLICY.access, collection_paused=kept))
    resumes = START + timedelta(days=5)
    of = account(replace(BOUGHT, pause_collection=PauseCollection("void", resumes)))
    before = told(of, resumes - SECOND, policy)
    assert before[0] == access
    assert before[1:] == (
        ("collection_paused", resumes) if kept else ("active", START + timedelta(days=38))
    )
    assert told(of, resumes, policy)[:2] == ("full", "active")


def test_paused_collection_gives_nothing_to_what_has_ended() -> None:
    policy = replace(POLICY, access=replace(POLICY.access, collection_paused="limited"))
    of = account(replace(TRIAL, pause_collection=PauseCollection("void")))
    assert told(of, TRIAL_END, policy) == ("none", "trial_expired", None)


def test_an_unknown_price_keeps_the_access_without_a_plan() -> None:
    of = account(replace(BOUGHT, items=(Item("price_other", quantity=2),)))
    found = standing(of, POLICY, START)
    assert (found.access, found.reason, found.plan, found.features, found.quantity) == (
        "full",
        "active",
        None,
        (),
        2,
    )
    assert unknown_prices(of, POLICY) == ("price_other",)
    assert unknown_prices(account(BOUGHT), POLICY) == ()


def test_the_plan_is_found_by_price_or_product_before_the_lookup_key() -> None:
    scale = replace(POLICY.plans["scale"], prices=("price_old",), products=("prod_s",))
    policy = replace(POLICY, plans={**POLICY.plans, "scale": scale})
    for item in (
        Item("price_old", lookup_key="pro_monthly"),
        Item("price_x", "prod_s", "pro_monthly"),
        SCALE,
    ):
        assert standing(account(replace(BOUGHT, items=(item,))), policy, START).plan == "scale"


def test_full_beats_limited_beats_none_and_features_are_of_all_that_is_full() -> None:
    canceled = replace(
        BOUGHT, id="sub_9", status="canceled", items=(SCALE,), created=START + timedelta(days=9)
    )
    found = standing(account(canceled, BOUGHT), POLICY, START)
    assert (found.access, found.reason, found.plan, found.features) == (
        "full",
        "active",
        "pro",
        ("projects", "reports"),
    )
    both = standing(account(BOUGHT, replace(BOUGHT, id="sub_2", items=(SCALE,))), POLICY, START)
    assert (both.plan, both.features) == ("scale", ("audit_log", "projects", "reports", "sso"))
    limited = replace(account(BOUGHT, canceled), grants=(Grant(PERIOD_END, "scale"),))
    gone_stale = START + timedelta(days=40)
    assert standing(limited, POLICY, gone_stale).reason == "granted"
    assert standing(limited, POLICY, PERIOD_END).reason == "stale"


def test_of_equals_the_one_that_lasts_longer_counts_and_no_end_is_the_longest() -> None:
    longer = replace(BOUGHT, id="sub_2", items=(SCALE,), period_end=PERIOD_END)
    assert standing(account(BOUGHT, longer), POLICY, START).plan == "scale"
    endless = replace(BOUGHT, id="sub_0", period_end=None)
    assert standing(account(endless, longer), POLICY, START).until is None


def test_a_grant_gives_access_until_its_end() -> None:
    of = replace(account(), grants=(Grant(TRIAL_END, "scale", "for the demo"),))
    assert standing(of, POLICY, TRIAL_END - SECOND) == Standing(
        "granted",
        "full",
        "granted",
        "scale",
        ("audit_log", "projects", "reports", "sso"),
        None,
        TRIAL_END,
    )
    assert told(of, TRIAL_END) == ("none", "no_subscription", None)


@pytest.mark.parametrize(
    "of",
    [
        account(TRIAL),
        account(replace(TRIAL, status="paused")),
        account(replace(CONVERTED, status="past_due")),
    ],
)
def test_the_plan_after_the_trial_remains_where_policy_names_one(of: Account) -> None:
    policy = replace(POLICY, trial=replace(POLICY.trial, after_trial="pro"))
    found = standing(of, policy, TRIAL_END)
    assert (found.access, found.reason, found.plan, found.until) == (
        "full",
        "after_trial",
        "pro",
        None,
    )


def test_every_status_of_stripes_has_its_row() -> None:
    for status in STATUSES:
        assert standing(account(replace(BOUGHT, status=status)), POLICY, START).reason in REASONS


def test_the_profile_takes_no_part() -> None:
    assert standing(
        replace(account(BOUGHT), profile=Profile("x@example.com")), POLICY, START
    ) == standing(account(BOUGHT), POLICY, START)
