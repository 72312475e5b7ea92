"""Opening signed links."""

from dataclasses import replace

import pytest

from chalicelib.domain.account.links import link_to
from chalicelib.domain.account.state import Account
from chalicelib.domain.security.links import LinkRefused
from chalicelib.usecases.accounts.links import open_link, open_mail_link
from tests.fakes.services import FakeServices


@pytest.fixture
def account(place: FakeServices) -> Account:
    saved = Account("acc_1", version=1)
    place.accounts.save(Account("acc_1"), saved)
    return saved


def test_a_link_opens_the_account_that_it_was_made_for(
    place: FakeServices, account: Account
) -> None:
    assert open_link(link_to(account, "billing", place.now()), place.accounts) == account


def test_a_link_that_was_revoked_or_whose_account_is_gone_is_refused(
    place: FakeServices, account: Account
) -> None:
    typed = link_to(account, "welcome", place.now())
    assert open_link(typed, place.accounts) == account
    proved = replace(account, version=2, link_epoch=1)
    place.accounts.save(account, proved)
    with pytest.raises(LinkRefused):
        open_link(typed, place.accounts)
    place.accounts.erase(proved, place.now())
    with pytest.raises(LinkRefused):
        open_link(link_to(proved, "billing", place.now()), place.accounts)


def test_a_link_about_mail_opens_for_ever_even_if_its_account_was_erased(
    place: FakeServices, account: Account
) -> None:
    link = link_to(account, "unsubscribe", place.now(), "lifecycle")
    assert open_mail_link(link, place.accounts) == account
    place.accounts.erase(account, place.now())
    assert open_mail_link(link, place.accounts) is None


@pytest.mark.parametrize("stream", ["billing", "", "team"])
def test_a_link_about_mail_that_cannot_be_unsubscribed_from_is_refused(
    place: FakeServices, account: Account, stream: str
) -> None:
    with pytest.raises(LinkRefused):
        open_mail_link(link_to(account, "unsubscribe", place.now(), stream), place.accounts)
