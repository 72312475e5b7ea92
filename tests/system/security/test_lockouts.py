"""Somebody asks again and again, with Ada's address or from Ada's network. She signs in all the
same, and neither her inbox nor her neighbours pay for it.
"""

from datetime import timedelta
from functools import partial

import pytest

from chalicelib.domain.policy.policy import SignupPolicy
from chalicelib.runtime import wiring
from tests.http.signups.test_signups import Front, under
from tests.http.triggers.test_mail_queue import later

ADA = {"email": "ada@example.com"}
CAMPUS, HOME = "203.0.113.7", "198.51.100.9"


def mails(front: Front) -> int:
    """How many sign-in links were mailed so far."""
    front.works()
    return sum("sign-in link" in mail.subject for mail in front.office.inbox)


def to_ada(front: Front) -> list[str]:
    """The subjects of what came to her mailbox, however its address was written."""
    return [
        mail.subject
        for mail in front.office.inbox
        if mail.destinations["ToAddresses"][0].lower().startswith("ada")
    ]


def test_who_asks_with_somebody_elses_address_does_not_lock_its_owner_out(front: Front) -> None:
    front.signs_up()
    for number in range(20):
        page = front.posts_form(ADA, "/sign-in", address=f"192.0.2.{number}")
        assert (page.status, page.path) == (303, "/check-your-inbox")
    assert mails(front) == 1
    assert front.posts_form(ADA, "/sign-in", address=HOME).status == 303
    assert front.enters("sign-in", address=HOME).status == 303


def test_a_day_of_asking_sends_three_mails_and_one_link_always_works(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    front.signs_up()
    for number in range(23 * 3):
        later(monkeypatch, minutes=20)
        asks = front.signs_up if number % 3 else partial(front.posts_form, path="/sign-in")
        assert asks(ADA, address=f"192.0.2.{number}").status in (202, 303), "answered like the rest"
        sent = mails(front)
        assert front.call("GET", front.link("sign-in")).status == 200, number
    assert (sent, len(front.office.inbox)) == (2, 3), "the welcome counts too"
    assert "This is the last mail with such a link until" in str(front.office.inbox[2].body)


def test_an_owner_who_once_signed_in_gets_six_links_in_a_day_that_nobody_uses(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    front.signs_up()
    front.works()
    front.enters()
    for number in range(23 * 3):
        later(monkeypatch, minutes=20)
        front.posts_form(ADA, "/sign-in", address=f"192.0.2.{number}")
        sent = mails(front)
        assert front.call("GET", front.link("sign-in")).status == 200, number
    assert sent == 6
    front.enters("sign-in")
    front.posts_form(ADA, "/sign-in")
    assert mails(front) == 7, "her own press makes room"


def test_who_types_an_address_as_a_new_one_leaves_its_owner_a_place(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the stranger's accounts may ask five times a day, and they may have many."""
    for account in range(4):
        eve = {"email": f"eve{account}@example.org"}
        front.signs_up(eve)
        front.posts_form(eve, "/sign-in")
        front.works()
        cookie = front.enters("sign-in").cookie
        for way in range(3):
            typed = {"email": f"Ada+{account}{way}@example.com"}
            assert front.posts_form(typed, "/billing/email", Cookie=cookie).status == 303
            later(monkeypatch, seconds=2)
            front.works()
    assert len(to_ada(front)) == 2
    front.signs_up()
    front.works()
    assert len(to_ada(front)) == 3
    assert front.enters().status == 303


def test_a_link_that_was_used_lets_the_next_one_be_mailed_at_once(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    front.signs_up()
    for asked in range(1, 5):
        front.posts_form(ADA, "/sign-in")
        assert mails(front) == asked
        assert front.enters("sign-in").status == 303
        later(monkeypatch, seconds=2)


def test_a_crowd_that_signs_up_does_not_keep_its_neighbours_from_signing_in(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    under(SignupPolicy("pro", "month", an_hour=3), monkeypatch)
    front.signs_up(address=HOME)
    crowd = [
        front.signs_up({"email": f"a{n}@example.com"}, address=CAMPUS).status for n in range(5)
    ]
    assert crowd == [201] * 3 + [429] * 2
    assert front.posts_form(ADA, "/sign-in", address=CAMPUS).status == 303


def test_a_browser_that_was_here_before_is_no_part_of_the_crowd(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    under(SignupPolicy("pro", "month", an_hour=3), monkeypatch)
    front.signs_up(address=HOME)
    front.works()
    visit = front.enters(address=HOME).cookie
    known = front.call("GET", "/billing", Cookie=visit, address=HOME).cookie
    assert known.startswith("__Host-billhook_known=")
    later(monkeypatch, days=200)
    crowd = [front.posts_form({"email": f"a{n}@example.com"}, "/sign-in") for n in range(5)]
    assert [page.status for page in crowd] == [303] * 3 + [429] * 2
    assert front.posts_form(ADA, "/sign-in").status == 429, "a browser that nobody knows"
    assert front.posts_form(ADA, "/sign-in", Cookie=known).status == 303
    assert front.signs_up(ADA, Cookie=known).status == 202


def test_a_known_browser_has_a_limit_too_and_no_right(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    under(SignupPolicy("pro", "month", an_hour=1), monkeypatch)
    front.signs_up(address=HOME)
    front.works()
    visit = front.enters(address=HOME).cookie
    shown = front.call("GET", "/billing", Cookie=visit)
    known, (account,) = shown.cookie, front.accounts()
    assert account.id not in known
    assert "Max-Age=31536000; HttpOnly; SameSite=Lax; Secure" in shown.headers["Set-Cookie"]
    answers = [front.posts_form(ADA, "/sign-in", Cookie=known).status for _ in range(25)]
    assert answers == [303] * 21 + [429] * 4
    assert front.call("GET", "/billing", Cookie=known).status == 404
    session = known.replace("billhook_known", "billhook_billing")
    assert front.call("GET", "/billing", Cookie=session).status == 404
    forged = known[:-3] + "AAA"
    assert front.posts_form(ADA, "/sign-in", Cookie=forged).status == 429


@pytest.mark.parametrize("header", ["X_Forwarded_For", "Forwarded", "X_Real_IP", "Via"])
def test_no_header_changes_where_a_request_comes_from(
    front: Front, monkeypatch: pytest.MonkeyPatch, header: str
) -> None:
    under(SignupPolicy("pro", "month", an_hour=2), monkeypatch)
    answers = [
        front.signs_up({"email": f"a{n}@example.com"}, **{header: f"192.0.2.{n}"}).status
        for n in range(4)
    ]
    assert answers == [201, 201, 429, 429]


def test_one_household_is_one_network_and_its_neighbour_another(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    under(SignupPolicy("pro", "month", an_hour=2), monkeypatch)
    one = [
        front.signs_up({"email": f"a{n}@example.com"}, address=f"2001:db8:1:1::{n:x}").status
        for n in range(4)
    ]
    assert one == [201, 201, 429, 429]
    other = {"email": "b@example.com"}
    assert front.signs_up(other, address="2001:db8:1:2::1").status == 201


def test_a_customer_who_has_links_mailed_to_new_addresses_is_stopped_and_no_other(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    front.signs_up()
    front.posts_form(ADA, "/sign-in")
    front.works()
    cookie = front.enters("sign-in").cookie
    asked = [
        front.posts_form({"email": f"eve{n}@example.com"}, "/billing/email", Cookie=cookie).status
        for n in range(7)
    ]
    assert asked == [303] * 5 + [429] * 2
    assert wiring.policy().signup
    later(monkeypatch, **{"days": timedelta(days=1).days})
    assert front.posts_form(ADA, "/sign-in").status == 303


def test_many_addresses_of_one_domain_ring_an_alarm_and_nobody_is_refused(front: Front) -> None:
    for domain in ("tide.example", "gmail.com"):
        answers = [
            front.signs_up({"email": f"a{n}@{domain}"}, address=f"192.0.2.{n}").status
            for n in range(22)
        ]
        assert answers == [201] * 22
        assert front.office.stage.metrics()["SignupsOfOneDomain"] == 2
