"""A stranger signs up Ada's address, with words of their own. Whoever presses the button behind a
mailed link has a whole trial from then on, and the words of the signup that the link belongs to.
"""

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.policy import SignupPolicy
from chalicelib.domain.schedule.versions import next_version
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from tests.http.signups.test_signups import Front, Page, under
from tests.http.triggers.test_mail_queue import later

ADA = {
    "email": "ada@example.com",
    "name": "Ada Byron",
    "timezone": "Europe/Vienna",
    "language": "en",
    "attributes": {"team": "Engine"},
}
EVE = {
    "email": "ada@example.com",
    "name": "Call 555 0100",
    "plan": "scale",
    "timezone": "Asia/Tokyo",
    "language": "de",
    "attributes": {"team": "Mine"},
}
TRIAL = timedelta(days=14)


def pass_time(front: Front, monkeypatch: pytest.MonkeyPatch, **time: float) -> None:
    later(monkeypatch, **time)
    front.stripe.advance(int(clock.now().timestamp()))


def asked_again(front: Front, fields: Any) -> str:
    """The path of the link that is mailed for a signup of a known address."""
    page = front.signs_up(fields)
    assert (page.status, page.json) == (202, {"status": "check_your_inbox"})
    front.works()
    return front.link("sign-in")


def presses(front: Front, link: str, **fields: str) -> Page:
    page = front.posts_form(fields, link)
    assert (page.status, page.path) == (303, "/billing"), page.text
    return page


def words(account: Account) -> dict[str, Any]:
    profile = account.profile
    return {
        "email": account.email,
        "name": account.name,
        "timezone": profile.timezone,
        "language": account.language,
        "attributes": dict(profile.attributes),
    }


def is_adas(front: Front) -> None:
    """The account has Ada's words and a whole trial of her plan, here and at Stripe."""
    front.works()
    (account,) = front.accounts()
    now = clock.now()
    assert words(account) == ADA
    found = standing(account, wiring.policy(), now)
    assert (found.access, found.plan) == ("full", "pro")
    assert account.signup
    assert account.signup.trial_ends_at == found.until
    assert account.signup.trial_ends_at == account.signup.at.replace(microsecond=0) + TRIAL
    assert account.signup.at > now - timedelta(hours=1), "whole from the press on"
    assert account.pending_signups == ()
    found_at_stripe = front.stripe.engine.store.all("subscription")
    (running,) = [one for one in found_at_stripe if one["status"] != "canceled"]
    assert running["status"] == "trialing"
    assert running["trial_end"] == int(account.signup.trial_ends_at.timestamp())
    assert running["items"]["data"][0]["price"]["lookup_key"] == "pro_monthly"


def test_a_trial_that_a_stranger_used_up_is_whole_for_its_owner(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    front.signs_up(EVE)
    front.works()
    pass_time(front, monkeypatch, days=20)
    link = asked_again(front, ADA)
    presses(front, link)
    is_adas(front)


def test_nothing_that_a_stranger_typed_is_left_once_the_owner_presses_the_own_link(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    front.signs_up(EVE)
    front.works()
    pass_time(front, monkeypatch, days=3)
    link = asked_again(front, ADA)
    mail = str(front.office.inbox[-1].body)
    assert not any(str(word) in mail for word in ("555", "Mine", "Anmelde"))
    cookie = presses(front, link).cookie
    is_adas(front)
    pass_time(front, monkeypatch, minutes=2)
    front.works()
    (customer,) = front.stripe.engine.store.all("customer")
    assert (customer["email"], customer["name"]) == ("ada@example.com", "Ada Byron")
    assert "Scale" not in front.call("GET", "/billing", Cookie=cookie).text


def test_a_stranger_who_signs_up_after_the_owner_changes_nothing(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    front.signs_up(ADA)
    front.works()
    own = front.link("billing")
    for number in range(8):
        pass_time(front, monkeypatch, hours=5)
        assert front.signs_up({**EVE, "name": f"Eve {number}"}).status == 202
        front.works()
    presses(front, own)
    is_adas(front)


def test_the_owners_link_works_though_a_stranger_had_a_newer_one_mailed(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    front.signs_up(EVE)
    own = asked_again(front, ADA)
    pass_time(front, monkeypatch, minutes=5)
    theirs = asked_again(front, EVE)
    assert theirs != own
    presses(front, own)
    is_adas(front)
    assert front.call("GET", theirs).status == 404
    assert front.posts_form({}, theirs).status == 404
    is_adas(front)


def test_a_second_click_on_the_form_is_no_second_signup(front: Front) -> None:
    front.signs_up(ADA)
    own = asked_again(front, ADA)
    (account,) = front.accounts()
    assert account.pending_signups == ()
    assert 'name="signup"' not in front.call("GET", own).text
    presses(front, own)
    is_adas(front)


def test_of_many_signups_the_owner_chooses_by_the_time_and_sees_no_word_of_others(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    front.signs_up(EVE)
    for number in range(3):
        pass_time(front, monkeypatch, minutes=1)
        link = asked_again(front, {**EVE, "name": f"Eve {number}"})
    pass_time(front, monkeypatch, minutes=1)
    assert asked_again(front, ADA) == link, "three mails a day are enough"
    page = front.call("GET", link).text
    assert "signed up more than once" in page
    assert not any(word in page for word in ("Eve", "Mine", "Byron", "Engine"))
    numbers = re.findall(r'name="signup" value="(\d+)"', page)
    assert numbers == ["5", "4", "3", "2", "1"], "the newest first"
    presses(front, link, signup="5")
    is_adas(front)


@pytest.mark.parametrize("fields", [{}, {"signup": "99"}, {"signup": "x"}, {"other": "1"}])
def test_a_press_without_a_choice_is_for_the_signup_of_the_link(
    front: Front, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str]
) -> None:
    front.signs_up(EVE)
    link = asked_again(front, ADA)
    presses(front, link, **fields)
    is_adas(front)


def test_however_many_signups_a_stranger_posts_the_newest_one_works(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    front.signs_up(EVE)
    for number in range(20):
        pass_time(front, monkeypatch, minutes=1)
        eve = {**EVE, "name": f"Eve {number}"}
        assert front.signs_up(eve, address=f"192.0.2.{number}").status == 202
        front.works()
    (account,) = front.accounts()
    assert len(account.pending_signups) == 5
    front.signs_up(ADA)
    front.works()
    link = front.link("sign-in")
    newest = re.findall(r'name="signup" value="(\d+)"', front.call("GET", link).text)[0]
    presses(front, link, signup=newest)
    is_adas(front)


def test_the_same_words_weeks_later_are_a_whole_trial_too(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form may ask for the address alone."""
    front.signs_up(ADA)
    front.works()
    pass_time(front, monkeypatch, days=20)
    presses(front, asked_again(front, ADA))
    is_adas(front)


def test_a_link_of_the_only_signup_opens_what_it_promised_however_late(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    front.signs_up(ADA)
    front.works()
    pass_time(front, monkeypatch, days=20)
    presses(front, front.link("billing"))
    (account,) = front.accounts()
    assert standing(account, wiring.policy(), clock.now()).access == "none"


def test_a_mailbox_has_one_trial_once_somebody_has_pressed(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    front.signs_up(ADA)
    front.works()
    presses(front, front.link("billing"))
    (account,) = front.accounts()
    for email in ("ADA@example.com", "ada+second@example.com"):
        pass_time(front, monkeypatch, days=6)
        assert front.signs_up({**EVE, "email": email}).status == 202
        front.works()
    pass_time(front, monkeypatch, days=6)
    link = asked_again(front, {**EVE, "email": "ada@example.com"})
    presses(front, link)
    (after,) = front.accounts()
    assert (after.signup, after.profile) == (account.signup, account.profile)
    assert standing(after, wiring.policy(), clock.now()).access == "none"


def test_an_account_that_the_product_sees_used_is_known_as_before(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    front.signs_up(ADA)
    (account,) = front.accounts()
    body = json.dumps({"name": "connected_data"}).encode()
    write = {"Authorization": f"Bearer {front.office.stage.key('write')}"}
    path = f"/accounts/{account.id}/milestones"
    assert front.call("POST", path, body, Content_Type="application/json", **write).status == 204
    pass_time(front, monkeypatch, days=3)
    presses(front, asked_again(front, EVE))
    (after,) = front.accounts()
    assert (after.profile, after.signup) == (account.profile, account.signup)


def test_a_link_goes_to_the_address_that_was_typed_and_proves_that_one(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not every mail server takes what follows a plus for the same mailbox."""
    front.signs_up({**EVE, "email": "ada+eve@example.com"})
    front.works()
    theirs = front.link("billing")
    own = asked_again(front, ADA)
    assert front.office.inbox[-1].destinations["ToAddresses"] == ["ada@example.com"]
    page = front.call("GET", theirs).text
    assert 'name="signup"' not in page, "another address offers no choice"
    presses(front, own)
    is_adas(front)
    assert front.call("GET", theirs).status == 404
    (account,) = front.accounts()
    assert account.email_proved


def test_a_stranger_cannot_choose_the_owners_signup_by_a_link_to_another_address(
    front: Front,
) -> None:
    front.signs_up({**EVE, "email": "ada+eve@example.com"})
    front.works()
    theirs = front.link("billing")
    asked_again(front, ADA)
    presses(front, theirs, signup="2")
    assert front.accounts() == []
    (account,) = wiring.accounts().with_email("ada+eve@example.com")
    assert words(account)["name"] == EVE["name"]


def test_where_signups_are_confirmed_the_trial_is_that_of_the_link_too(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    under(SignupPolicy("pro", "month", confirm=True), monkeypatch)
    assert front.signs_up(EVE).status == 202
    front.works()
    pass_time(front, monkeypatch, days=2)
    presses(front, asked_again(front, ADA))
    is_adas(front)


def test_where_every_answer_is_the_same_a_second_signup_waits_beside_the_first(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    under(SignupPolicy("pro", "month", answer="same"), monkeypatch)
    assert front.signs_up(EVE).status == 202
    front.works()
    pass_time(front, monkeypatch, days=20)
    presses(front, asked_again(front, ADA))
    is_adas(front)


def test_an_old_link_of_the_first_signup_opens_the_page_and_says_which_signup_counts(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    front.signs_up(EVE)
    front.works()
    old = front.link("billing")
    presses(front, asked_again(front, ADA))
    assert "another signup of this address" in front.call("GET", old).text
    presses(front, old)
    is_adas(front)


def test_the_products_id_goes_with_the_signup_that_it_came_with(front: Front) -> None:
    write = {"Authorization": f"Bearer {front.office.stage.key('write')}"}
    assert front.signs_up({**EVE, "external_id": "user-666"}, **write).status == 201
    page = front.signs_up({**ADA, "external_id": "user-311"}, **write)
    assert page.status == 202
    front.works()
    presses(front, front.link("sign-in"))
    is_adas(front)
    accounts = wiring.accounts()
    (account,) = front.accounts()
    assert accounts.with_external_id("user-666") is None
    assert account.profile.external_id == "user-311"
    found = accounts.with_external_id("user-311")
    assert found is not None
    assert found.id == account.id
    again = {"email": "eve@example.com", "external_id": "user-666"}
    assert front.signs_up(again, **write).status == 201, "the id is free again"


def test_an_id_that_another_account_got_meanwhile_stays_there(front: Front) -> None:
    write = {"Authorization": f"Bearer {front.office.stage.key('write')}"}
    front.signs_up(EVE)
    front.signs_up({**ADA, "external_id": "user-311"}, **write)
    other = front.signs_up({"email": "bob@example.com", "external_id": "user-311"}, **write).json
    front.works()
    presses(front, front.link("sign-in"))
    (account,) = front.accounts()
    assert words(account) == ADA
    assert account.profile.external_id is None
    found = wiring.accounts().with_external_id("user-311")
    assert found is not None
    assert found.id == other["account_id"]


def test_a_customer_signs_in_though_a_stranger_has_signed_the_address_up(front: Front) -> None:
    """Ada's address was changed at Stripe, or by the product, after the stranger's signup."""
    front.signs_up(EVE)
    front.works()
    now, new = clock.now(), Account("acc_ada")
    signup = Signup("pro", now + TRIAL, now)
    known = replace(new, profile=Profile(ADA["email"]), signup=signup, proved_at=now)
    wiring.accounts().save(new, next_version(new, known, wiring.policy(), now))
    front.posts_form({"email": ADA["email"]}, "/sign-in")
    front.works()
    presses(front, front.link("sign-in"))
    ada = wiring.accounts().load("acc_ada")
    assert ada
    assert ada.signed_in_by
    assert front.signs_up(ADA).status == 202
    assert all(one.pending_signups == () for one in front.accounts()), "she is a customer"
