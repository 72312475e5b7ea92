"""A customer cancels and stays all day: how much of it is mailed, to whom."""

from chalicelib.domain.account.facts import AddressProved
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from tests.fakes.mailed_lifecycles import MailedLife


def goodbyes(life: MailedLife, rounds: int) -> list[str]:
    """Who gets the mails of so many rounds of canceling and staying, 20 minutes each."""
    since, subscription = len(life.mails), life.only("subscription")
    for _ in range(rounds):
        life.stage.engine.checkout.portal_cancel(subscription)
        life.hear()
        life.minutes(15)
        life.stage.engine.checkout.portal_uncancel(subscription)
        life.hear()
        life.minutes(5)
    return [one.letter.recipient for one in life.mails[since:] if one.step == "goodbye"]


def paying() -> MailedLife:
    life = MailedLife().sells("tok_visa")
    life.days(2)
    return life


def proves(life: MailedLife) -> None:
    apply_facts(life.account, [AddressProved(life.place.now.at)], life.services, None)


def test_an_address_that_was_typed_at_stripe_is_told_once() -> None:
    """As a customer's, who paid a month and then moved to somebody else's address."""
    life = paying()
    proves(life)
    life.minutes(5)
    life.stage.post(f"/v1/customers/{life.only('customer')['id']}", email="fv@corp.example")
    life.hear()
    assert goodbyes(life, 8) == ["ada@example.com", "fv@corp.example"], "and a copy, as often"


def test_an_address_that_nobody_proved_is_told_again_another_day() -> None:
    life = paying()
    assert goodbyes(life, 8) == ["ada@example.com"]
    life.days(4)
    assert goodbyes(life, 8) == ["ada@example.com"]


def test_a_proved_address_is_told_a_few_times_and_its_bills_go_on() -> None:
    life = paying()
    proves(life)
    assert goodbyes(life, 8) == ["ada@example.com"] * 3
    life.gives_card("tok_chargeCustomerFail")
    life.days(31)
    assert "failed" in [one.step for one in life.mails]
