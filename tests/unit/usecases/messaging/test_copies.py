"""Somebody takes an account over and changes its address: the reader of the one of before still
hears of money, for a time, by mail that opens nothing.
"""

import pytest

from chalicelib.domain.account.facts import AddressProved
from chalicelib.domain.account.profile import (
    AddressChange,
    AddressChangeConfirmed,
    AddressChangeRequested,
    AddressChangeUndone,
)
from chalicelib.domain.messaging.mailbox_limits import CAUSES
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from tests.fakes.lifecycles import Sent
from tests.fakes.mailed_lifecycles import MailedLife

ADA, BEA, EVE = "ada@example.com", "bea@example.com", "eve@elsewhere.example"


def paying(language: str = "en") -> MailedLife:
    """A customer who pays, and has proved the address."""
    life = MailedLife(language=language).sells("tok_visa")
    life.days(20)
    apply_facts(life.account, [AddressProved(life.place.now.at)], life.services, None)
    life.minutes(5)
    return life


def taken_over(language: str = "en") -> MailedLife:
    """Their address was changed to a stranger's."""
    life = paying(language)
    life.stage.post(f"/v1/customers/{life.only('customer')['id']}", email=EVE)
    life.hear()
    life.minutes(5)
    life.mails.clear()
    return life


def fails(life: MailedLife, by_day: int = 40) -> list[Sent]:
    """The mails of the step `failed`, of the renewal that fails next, on day 31 or 62."""
    life.gives_card("tok_chargeCustomerFail")
    life.days(by_day)
    return [one for one in life.mails if one.step == "failed"]


def recipients(mails: list[Sent]) -> list[str]:
    return sorted(one.letter.recipient for one in mails)


def test_the_address_of_before_gets_a_copy_of_mail_about_money() -> None:
    life = taken_over()
    mails = fails(life)
    assert recipients(mails) == [ADA, EVE]
    (copy,) = [one.letter for one in mails if one.letter.recipient == ADA]
    text = " ".join(copy.text.split())
    assert "This is a copy. The address of this account was changed to e…@elsewhere.example" in text
    assert "write to" in text
    assert "This is a copy" in copy.html
    (told,) = [one.letter for one in mails if one.letter.recipient == EVE]
    assert "This is a copy" not in told.text + told.html


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_copy_opens_nothing_and_greets_by_no_name(language: str) -> None:
    life = taken_over(language)
    fails(life)
    copies = [one.letter for one in life.mails if one.letter.recipient == ADA]
    assert len(copies) > 1
    for copy in copies:
        assert "https://b.example/sign-in" in copy.text
        for part in (copy.text, copy.html):
            assert "https://b.example/billing" not in part
            assert "https://b.example/feedback" not in part
            assert "/invoice" not in part
        assert copy.text.startswith(("Hello,\n", "Guten Tag,\n"))
        assert copy.headers == {}


def test_only_billing_notices_about_money_are_copied() -> None:
    life = taken_over()
    life.days(60)
    for one in life.mails:
        if one.letter.recipient == ADA:
            assert one.letter.tags["stream"] == "billing"
    about = {anchor for anchor, cause in CAUSES.items() if cause.about_money}
    links = {"sign_in_asked", "confirmation_wanted", "email_asked", "email_changed"}
    assert about.isdisjoint(links | {"cancel_now_asked", "withdraw_asked", "broadcast"})


def test_after_thirty_days_no_copy_goes_out() -> None:
    life = taken_over()
    life.days(51)
    life.mails.clear()
    assert recipients(fails(life, by_day=63)) == [EVE]
    assert life.account.previous_email is None


def test_who_undoes_the_change_gets_the_mail_once() -> None:
    life = taken_over()
    (change,) = life.account.address_changes
    apply_facts(
        life.account, [AddressChangeUndone(change.id, life.place.now.at)], life.services, None
    )
    assert recipients(fails(life)) == [ADA]


def test_an_address_that_bounced_or_complained_gets_no_copy() -> None:
    life = taken_over()
    life.suppressed.add((ADA, "lifecycle"))
    assert recipients(fails(life)) == [EVE]


def test_a_copy_goes_out_though_the_new_address_takes_no_mail() -> None:
    """As of who would not have the bills seen."""
    life = taken_over()
    life.suppressed |= {(EVE, "billing"), (EVE, "lifecycle")}
    assert recipients(fails(life)) == [ADA]


@pytest.mark.parametrize("fault", ["throttled", "lost before", "lost after", "rejected"])
def test_a_copy_goes_out_once_at_most_and_its_message_all_the_same(fault: str) -> None:
    life = taken_over()
    life.gives_card("tok_chargeCustomerFail")
    life.mailer.faults.append(fault)
    life.days(40)
    mails = recipients([one for one in life.mails if one.step == "failed"])
    assert mails.count(EVE) == 1
    assert mails.count(ADA) == (1 if fault in ("throttled", "lost after") else 0)


def test_the_copies_of_a_busy_day_are_bounded() -> None:
    life = taken_over()
    subscription = life.only("subscription")
    for _ in range(8):
        life.stage.engine.checkout.portal_cancel(subscription)
        life.hear()
        life.minutes(15)
        life.stage.engine.checkout.portal_uncancel(subscription)
        life.hear()
        life.minutes(5)
    assert recipients([one for one in life.mails if one.step == "goodbye"]).count(ADA) == 1


def test_an_owner_who_had_moved_before_gets_a_copy_at_both_addresses() -> None:
    """Ada has another address since a week, and reads the first one no more."""
    life = paying()
    asked = AddressChange(BEA, ADA, life.place.now.at.replace(microsecond=0))
    apply_facts(life.account, [AddressChangeRequested(asked)], life.services, None)
    apply_facts(
        life.account, [AddressChangeConfirmed(asked.id, life.place.now.at)], life.services, None
    )
    life.minutes(30)
    life.stage.post(f"/v1/customers/{life.only('customer')['id']}", email=EVE)
    life.hear()
    life.minutes(5)
    life.mails.clear()
    assert recipients(fails(life)) == [ADA, BEA, EVE]


def test_an_address_that_nobody_had_proved_gets_no_copy() -> None:
    life = MailedLife().sells("tok_visa")
    life.days(20)
    life.stage.post(f"/v1/customers/{life.only('customer')['id']}", email=EVE)
    life.hear()
    life.minutes(5)
    life.mails.clear()
    assert ADA not in recipients(fails(life))
