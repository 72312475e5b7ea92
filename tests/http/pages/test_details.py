"""The customer's own page: name, language, time zone at once; another address by proof of both."""

import re
from typing import Any

import pytest

from chalicelib.domain.account.state import Account
from chalicelib.runtime import wiring
from tests.http.signups.test_signups import Front, front  # noqa: F401 - the fixture
from tests.http.test_profile import ada  # noqa: F401 - the fixture
from tests.http.triggers.test_mail_queue import later, office  # noqa: F401 - the fixture

OLD, NEW, EVE = "ada@example.com", "ada@new.example", "eve@evil.example"


def signs_in(front: Front, address: str = OLD) -> str:
    """A fresh sign-in by a mailed link; the session's cookie."""
    front.posts_form({"email": address}, "/sign-in")
    front.works()
    return front.enters("sign-in").cookie


def asks(front: Front, cookie: str, address: str = NEW) -> str:
    """Where the customer is led after asking for another address."""
    page = front.posts_form({"email": address}, "/billing/email", Cookie=cookie)
    front.works()
    return page.path if page.status == 303 else str(page.status)


def mails(front: Front) -> list[tuple[str, str]]:
    """Address and subject of each message."""
    return [
        (mail.destinations["ToAddresses"][0], re.findall(r"Subject: (.*)", str(mail.body))[0])
        if isinstance(mail.body, str) and "Subject: " in mail.body
        else (mail.destinations["ToAddresses"][0], mail.subject)
        for mail in front.office.inbox
    ]


def account_of(front: Front, account: Account) -> Account:
    found = wiring.accounts().load(account.id)
    assert found
    return found


def test_name_language_and_time_zone_are_changed_at_once(front: Front, ada: Account) -> None:
    cookie = front.enters().cookie
    page = front.call("GET", "/billing/details", Cookie=cookie)
    assert 'value="Ada Byron"' in page.text
    given = {"name": "Ada King", "language": "de", "timezone": "Europe/Vienna"}
    saved = front.posts_form(given, "/billing/details", Cookie=cookie)
    assert saved.path == "/billing?notice=details_saved"
    account = account_of(front, ada)
    assert (account.name, account.language, account.profile.timezone) == (
        "Ada King",
        "de",
        "Europe/Vienna",
    )
    (customer,) = account.customers
    assert front.stripe.get(f"/v1/customers/{customer}")["name"] == "Ada King"
    german = front.call("GET", "/billing?notice=details_saved", Cookie=cookie).text
    assert "Ihre Angaben sind gespeichert." in german


def test_what_is_left_as_it_is_writes_nothing(front: Front, ada: Account) -> None:
    cookie = front.enters().cookie
    before = account_of(front, ada)
    front.posts_form({"name": "Ada Byron", "timezone": ""}, "/billing/details", Cookie=cookie)
    assert account_of(front, ada) == before


@pytest.mark.parametrize(
    "given", [{"name": "x" * 101}, {"timezone": "Mars/Phobos"}, {"language": "xx"}]
)
def test_a_mistake_in_the_details_is_told(given: Any, front: Front, ada: Account) -> None:
    cookie = front.enters().cookie
    before = account_of(front, ada)
    page = front.posts_form(given, "/billing/details", Cookie=cookie)
    assert (page.status, 'id="problem"' in page.text) == (400, True)
    assert account_of(front, ada) == before


def test_another_address_takes_the_old_one_and_a_button_behind_a_link_to_the_new_one(
    front: Front, ada: Account
) -> None:
    cookie = signs_in(front)
    assert 'id="new-email"' in front.call("GET", "/billing/email", Cookie=cookie).text
    assert asks(front, cookie) == "/billing?notice=email_asked"
    link = front.link("email-change")
    asked = front.office.inbox[-1]
    assert asked.destinations["ToAddresses"] == [NEW]
    assert "Hello Ada" not in str(asked.body), "nobody has proved whose address it is"
    for _ in range(2):
        assert NEW in front.call("GET", link).text
    assert account_of(front, ada).email == OLD, "a GET consumes and changes nothing"
    assert front.posts_form({}, link, Sec_Fetch_Site="cross-site").status == 403
    assert front.posts_form({}, link).status == 200
    front.works()
    account = account_of(front, ada)
    assert account.email == NEW
    assert wiring.accounts().with_email(NEW) == [account]
    assert wiring.accounts().with_email(OLD) == []
    (customer,) = account.customers
    assert front.stripe.get(f"/v1/customers/{customer}")["email"] == NEW
    assert front.call("GET", "/billing", Cookie=cookie).status == 404, "the session was the old's"
    assert front.posts_form({}, link).status == 404, "it works once"
    told = [to for to, _ in mails(front)][-2:]
    assert told == [NEW, OLD]


def test_the_old_address_can_undo_it_and_the_new_ones_links_end(
    front: Front, ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = signs_in(front)
    asks(front, session)
    front.posts_form({}, front.link("email-change"))
    front.works()
    undo = front.link("email-undo")
    later(monkeypatch, minutes=1)
    theirs = signs_in(front, NEW)
    assert front.call("GET", "/billing", Cookie=theirs).status == 200
    asks(front, theirs, EVE)
    front.posts_form({}, front.link("email-change"))
    assert account_of(front, ada).email == EVE
    assert OLD in front.call("GET", undo).text
    assert account_of(front, ada).email == EVE
    assert front.posts_form({}, undo).status == 200
    account = account_of(front, ada)
    assert (account.email, account.address_changes) == (OLD, ())
    assert front.call("GET", "/billing", Cookie=theirs).status == 404
    assert front.posts_form({}, undo).status == 404
    assert front.call("GET", "/billing", Cookie=session).status == 404, (
        "whoever made the change is not let in again by its undoing"
    )
    later(monkeypatch, minutes=20)
    assert front.call("GET", "/billing", Cookie=signs_in(front)).status == 200


def test_a_link_from_older_mail_and_a_sign_in_of_long_ago_do_not_change_the_address(
    front: Front, ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_mail = front.enters().cookie
    fresh = signs_in(front)
    later(monkeypatch, minutes=16)
    for cookie in (by_mail, fresh):
        page = front.call("GET", "/billing/email", Cookie=cookie).text
        assert 'id="sign-in"' in page
        assert 'id="new-email"' not in page
        assert asks(front, cookie) == "/billing/email"
    assert account_of(front, ada).address_changes == ()


def test_an_address_of_another_customer_gets_no_mail_and_the_answer_is_the_same(
    front: Front, ada: Account
) -> None:
    front.signs_up({"email": "bob@example.com"})
    front.works()
    front.enters()
    before = len(front.office.inbox)
    cookie = signs_in(front)
    assert asks(front, cookie, "bob@example.com") == "/billing?notice=email_asked"
    assert [to for to, _ in mails(front)[before:]] == [OLD], "the sign-in link alone"
    assert account_of(front, ada).address_changes == ()


def test_an_address_that_became_another_customers_meanwhile_is_not_taken(
    front: Front, ada: Account
) -> None:
    asks(front, signs_in(front))
    link = front.link("email-change")
    front.signs_up({"email": NEW})
    front.works()
    front.enters()
    assert front.posts_form({}, link).status == 404
    assert account_of(front, ada).email == OLD


def sent_of(account_id: str) -> set[str]:
    """The messages that were sent for an account."""
    account = wiring.accounts().load(account_id)
    assert account
    return {key for key, mailed in account.mails.items() if mailed.outcome == "sent"}


def test_a_signup_that_nobody_proved_keeps_the_address_from_no_reader(
    front: Front, ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger has signed the new address up. Its reader takes it along, and the signup ends."""
    front.signs_up({"email": NEW})
    front.works()
    strangers, (theirs,) = front.link("billing"), wiring.accounts().with_email(NEW)
    later(monkeypatch, minutes=1)
    assert asks(front, signs_in(front)) == "/billing?notice=email_asked"
    assert front.posts_form({}, front.link("email-change")).status == 200
    assert account_of(front, ada).email == NEW
    assert front.posts_form({}, strangers).status == 404, "it would open a second account"
    before = sent_of(theirs.id)
    later(monkeypatch, days=3)
    front.works()
    assert sent_of(theirs.id) == before, "the stranger's trial sends nothing more"
    later(monkeypatch, hours=2)
    front.works()
    assert wiring.accounts().load(theirs.id) is None, "and is forgotten"
    cookie = signs_in(front, NEW)
    assert "ada@new.example" in front.call("GET", "/billing", Cookie=cookie).text


def test_a_signup_that_is_used_or_proved_keeps_its_address(front: Front, ada: Account) -> None:
    front.signs_up({"email": NEW})
    front.works()
    (theirs,) = wiring.accounts().with_email(NEW)
    key = {"Authorization": f"Bearer {front.office.stage.key('write')}"}
    used = front.call(
        "POST",
        f"/accounts/{theirs.id}/milestones",
        b'{"name": "connected_data"}',
        Content_Type="application/json",
        **key,
    )
    assert used.status == 204
    asks(front, signs_in(front))
    assert account_of(front, ada).address_changes == ()


def test_a_link_to_confirm_lapses_after_a_day_and_an_undo_after_a_week(
    front: Front, ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks(front, signs_in(front))
    link = front.link("email-change")
    later(monkeypatch, hours=25)
    assert front.call("GET", link).status == 404
    assert front.posts_form({}, link).status == 404
    asks(front, signs_in(front))
    front.posts_form({}, front.link("email-change"))
    front.works()
    undo = front.link("email-undo")
    later(monkeypatch, days=6)
    assert front.call("GET", undo).status == 200
    later(monkeypatch, days=1)
    assert front.posts_form({}, undo).status == 404
    assert account_of(front, ada).email == NEW


@pytest.mark.parametrize("address", [OLD, "ADA@example.com", "ada", ""])
def test_the_same_address_and_no_address_are_told(address: str, front: Front, ada: Account) -> None:
    cookie = signs_in(front)
    page = front.posts_form({"email": address}, "/billing/email", Cookie=cookie)
    assert (page.status, 'id="problem"' in page.text) == (400, True)
