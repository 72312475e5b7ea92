"""The rehearsal: the same calendar as the schedule keeps, for typical customers, without any
service.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chalicelib.domain.account.state import Account
from ops.__main__ import main
from ops.rehearsal.calendar import Calendar, calendar_lines, rehearse
from ops.rehearsal.customers import CUSTOMERS, DEEDS, Customer, Deed
from ops.rehearsal.player import play
from ops.rehearsal.script import ACCOUNT, script
from tests.fakes.lifecycles import START, Life
from tests.fakes.services import ROOT, FakeServices
from tests.fakes.services import SHIPPED as POLICY

BY_NAME = {customer.name: customer for customer in CUSTOMERS}
BILLING_TOML = ROOT / "chalicelib" / "billing.toml"


def calendar_of(name: str, days: int = 60) -> Calendar:
    (calendar,) = rehearse(POLICY, START, days, [BY_NAME[name]])
    return calendar


def lived(customer: Customer) -> Life:
    """The same customer, played by the use cases."""
    life = Life(place=FakeServices(policy=POLICY))
    for heard in script(customer, POLICY, START, 60):
        life.advance(heard.at) if life.place.accounts.items else None
        life.tell(*heard.facts)
        life.work()
    return life.days(60)


@pytest.mark.parametrize("name", BY_NAME)
def test_the_calendar_has_the_messages_that_such_a_customer_gets(name: str) -> None:
    life = lived(BY_NAME[name])
    calendar = [(row.name, row.occasion, row.at, row.words) for row in calendar_of(name).mails]
    steps = {step.id: step.anchor for step in POLICY.steps}
    assert calendar == [
        (one.step, steps[one.step], one.at, one.letter.subject) for one in life.mails
    ]
    assert calendar


@pytest.mark.parametrize("name", BY_NAME)
def test_the_calendar_has_the_domain_events_of_such_a_customer(name: str) -> None:
    life = lived(BY_NAME[name])
    played = play(
        Account(ACCOUNT),
        script(BY_NAME[name], POLICY, START, 60),
        POLICY,
        START + timedelta(days=60),
    )
    happened = {(one.type, one.at) for one in played.happened}
    assert happened == {
        (entry.type, entry.at)
        for entry in life.place.timeline.entries.values()
        if entry.kind == "happening"
    }


def test_each_customer_ends_as_the_name_says() -> None:
    happened = {
        one.customer.name: {row.name for row in one.rows if row.kind == "happening"}
        for one in rehearse(POLICY, START, 60)
    }
    assert "trial.expired" in happened["never returns"]
    assert "trial.converted" not in happened["never returns"]
    assert "trial.converted" not in happened["looks around"]
    assert "trial.converted" in happened["converts"]
    assert "payment.failed" not in happened["converts"]
    assert {"payment.failed", "access.granted"} <= happened["card fails"], "and it is mended"
    assert "subscription.canceled" in happened["cancels"]
    assert "access.granted" not in happened["cancels"]
    assert {"subscription.canceled", "access.granted"} <= happened["comes back"]


def test_the_script_has_the_facts_of_stripes_events() -> None:
    """Seen through the same reading as a webhook: a price with its product, an invoice with its
    subscription.
    """
    played = play(
        Account(ACCOUNT),
        script(BY_NAME["converts"], POLICY, START, 60),
        POLICY,
        START + timedelta(days=60),
    )
    (known,) = played.account.subscriptions.values()
    assert POLICY.plan_of(known.value.items) == ("pro", 1)
    paid = [billed.value for billed in played.account.invoices.values() if billed.value.amount_paid]
    assert [(one.amount_paid, one.currency, one.subscription) for one in paid] == [
        (4900, "usd", known.value.id)
    ] * 2
    assert played.account.errands["trial"].done_at


def test_every_action_has_a_description_and_a_customer_who_does_it() -> None:
    assert {deed.what for customer in CUSTOMERS for deed in customer.deeds} == DEEDS.keys()


def test_an_address_to_be_confirmed_is_confirmed_and_then_the_trial_begins() -> None:
    assert POLICY.signup
    confirming = replace(POLICY, signup=replace(POLICY.signup, confirm=True))
    (calendar,) = rehearse(confirming, START, 60, [BY_NAME["never returns"]])
    assert [row.name for row in calendar.mails][:2] == ["confirm", "welcome"]
    assert [row.at for row in calendar.rows if row.name == "trial.expired"] == [
        START + timedelta(days=14, minutes=10)
    ]


def test_a_product_without_signups_is_rehearsed_too() -> None:
    (calendar,) = rehearse(
        replace(POLICY, signup=None),
        START,
        30,
        [Customer("adopted", "Comes from Stripe.", (Deed("gives a card", 5),))],
    )
    assert [row.name for row in calendar.mails] == [
        "welcome",
        "nudge",
        "nudge",
        "notice",
        "paid_plan",
    ]


def test_it_is_printed_as_a_calendar(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rehearse", "--from", "2026-03-02"]) == 0
    printed = capsys.readouterr().out
    for customer in CUSTOMERS:
        assert f"{customer.name}: {customer.story}" in printed
    assert re.search(
        r"day  11  Fri 13 Mar 10:00  > three_days +Your Acme trial ends on Monday, 16 March 2026",
        printed,
    )
    assert re.search(r"day   5  Sat 07 Mar 10:00  \* gives a card that works", printed)


def test_a_step_that_is_held_out_of_some_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy, page = tmp_path / "billing.toml", tmp_path / "calendar.html"
    policy.write_text(
        BILLING_TOML.read_text().replace('id = "three_days",', 'id = "three_days", hold_out = 0.1,')
    )
    assert main(["rehearse", "--from", "2026-03-02", "--policy", str(policy)]) == 0
    assert "16 March 2026  (but for 10%, held out)\n" in capsys.readouterr().out
    assert main(["rehearse", "--policy", str(policy), "--html", str(page)]) == 0
    assert "but for 10%" in page.read_text()


def test_the_page_loads_no_other_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "calendar.html"
    assert main(["rehearse", "--from", "2026-03-02", "--html", str(path)]) == 0
    assert str(path) in capsys.readouterr().out
    page = path.read_text()
    assert not re.search(r"<(script|link|img|iframe)|@import|url\(|(src|href)=", page)
    mails = [
        row
        for calendar in rehearse(POLICY, datetime(2026, 3, 2, 10, tzinfo=UTC), 60)
        for row in calendar.mails
    ]
    assert page.count("<details") == len(mails)


def test_what_an_owner_typed_is_text_on_the_page(tmp_path: Path) -> None:
    policy = tmp_path / "billing.toml"
    policy.write_text(
        BILLING_TOML.read_text().replace('product = "Acme"', 'product = "Acme <b>&amp; Sons</b>"')
    )
    page = tmp_path / "calendar.html"
    assert main(["rehearse", "--policy", str(policy), "--html", str(page)]) == 0
    assert "<b>&amp; Sons" not in page.read_text()
    assert "Acme &lt;b&gt;&amp;amp; Sons" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--days", "0"], "--days must be from 1 to 730."),
        (["--from", "yesterday"], "--from must be a date"),
        (["--policy", "/nowhere/billing.toml"], "cannot be read"),
        (["--html", "/nowhere/page.html"], "cannot be written"),
    ],
)
def test_a_rehearsal_that_is_not_possible_is_an_error(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rehearse", *arguments]) == 1
    assert said in capsys.readouterr().err


def test_without_mail_there_is_nothing_to_rehearse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "billing.toml"
    policy.write_text(BILLING_TOML.read_text().partition("[mail]")[0])
    assert main(["rehearse", "--policy", str(policy)]) == 1
    assert "no table [mail]" in capsys.readouterr().err


def test_the_calendar_says_when_nothing_more_comes() -> None:
    days = [row.day for row in calendar_of("never returns", days=10).rows]
    assert max(days) <= 10
    assert next(calendar_lines([], POLICY, 10)) == "Nothing happens."
