"""A page of another site posts signups and sign-ins in its visitors' names: nothing happens. The
owner's sites, servers and our own pages go on as before.
"""

from dataclasses import replace

import pytest

from chalicelib.runtime import wiring
from tests.http.signups.test_signups import ADA, Front

OTHERS = [
    {"Origin": "https://elsewhere.example", "Sec_Fetch_Site": "cross-site"},
    {"Origin": "https://elsewhere.example"},
    {"Origin": "http://acme.example"},
    {"Origin": "https://acme.example.evil.example"},
    {"Origin": "https://acme.example:8443"},
    {"Origin": "null"},
    {"Origin": "null", "Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"},
]
ALLOWED: list[dict[str, str]] = [
    {},
    {"Origin": "https://acme.example", "Sec_Fetch_Site": "cross-site"},
    {"Origin": "https://www.acme.example"},
    {"Origin": "https://billing.example.com"},
    {"Origin": "null", "Sec_Fetch_Site": "same-origin"},
    {"Sec_Fetch_Site": "none"},
]


@pytest.mark.parametrize("sent", OTHERS, ids=str)
def test_no_other_site_signs_anybody_up_or_has_mail_sent(
    front: Front, sent: dict[str, str]
) -> None:
    assert front.posts_form(ADA, **sent).status == 403
    assert front.signs_up(ADA, **sent).status == 403
    assert front.accounts() == []
    front.works()
    assert front.office.inbox == []


@pytest.mark.parametrize("sent", ALLOWED, ids=str)
def test_the_owners_sites_servers_and_our_own_pages_sign_up(
    front: Front, sent: dict[str, str]
) -> None:
    assert front.posts_form(ADA, **sent).status == 303
    assert front.signs_up({"email": "eve@example.com"}, **sent).status == 201


def test_without_listed_sites_only_our_own_pages_and_servers_sign_up(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = wiring.policy()
    assert known.signup
    changed = replace(known, signup=replace(known.signup, sites=()))
    monkeypatch.setattr(wiring, "policy", lambda: changed)
    assert front.signs_up(ADA, Origin="https://acme.example").status == 403
    assert front.signs_up(ADA, Origin="https://billing.example.com").status == 201


def test_no_other_site_has_a_sign_in_link_mailed_and_a_listed_one_neither(front: Front) -> None:
    front.signs_up()
    for sent in (*OTHERS, {"Origin": "https://acme.example"}):
        if sent == {"Origin": "null"}:
            continue  # an old browser on our own page
        assert front.posts_form(ADA, "/sign-in", **sent).status == 403, sent
    front.works()
    assert not [mail for mail in front.office.inbox if "sign-in link" in mail.subject]


def test_our_own_pages_have_a_sign_in_link_mailed(front: Front) -> None:
    front.signs_up()
    sent = {"Origin": "null", "Sec_Fetch_Site": "same-origin"}
    assert front.posts_form(ADA, "/sign-in", **sent).status == 303
    front.works()
    assert [mail for mail in front.office.inbox if "sign-in link" in mail.subject]
