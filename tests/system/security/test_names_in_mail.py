"""A stranger signs up somebody else under a name that is a message, to have Billhook mail it."""

import pytest

from tests.http.signups.test_signups import Front

NAMES = ["Call\u00a0+1\u00a0555\u00a00100", "Evil\uff0eExample Prize", "Mallory Prize"]


def mailed(front: Front) -> str:
    front.works()
    return "\n".join(f"{mail.subject} {mail.body}" for mail in front.office.inbox)


@pytest.mark.parametrize("name", NAMES)
def test_no_word_that_was_typed_is_mailed_to_an_address_that_nobody_has_proved(
    front: Front, name: str
) -> None:
    front.signs_up({"email": "ada@example.com", "name": name})
    text = mailed(front)
    assert "Hello," in text
    assert not [word for word in name.split() if word in text]
    (account,) = front.accounts()
    assert account.name == name, "the product sees it as it was typed"


def test_who_has_proved_the_address_is_greeted_by_name(front: Front) -> None:
    front.signs_up({"email": "ada@example.com", "name": "Zo\u00eb Byron"})
    assert "Zo\u00eb" not in mailed(front)
    front.enters()
    front.posts_form({"email": "ada@example.com"}, "/sign-in")
    assert "Hello Zo\u00eb," in mailed(front)
