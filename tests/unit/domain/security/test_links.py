"""Tokens: nothing forged, expired or meant for something else opens anything."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.security.links import (
    LIFECYCLE,
    Link,
    LinkRefused,
    link_for,
    sign,
    verify,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LINK = Link("unsubscribe", "acc_1", "lifecycle")
KEYS = ["new key", "old key"]


def refused(
    token: str, purpose: str = "unsubscribe", keys: list[str] | None = None, now: datetime = NOW
) -> bool:
    with suppress(LinkRefused):
        verify(token, purpose, keys or KEYS, now)
        return False
    return True


def test_a_link_says_what_it_was_made_for_with_every_key_alive() -> None:
    assert verify(sign(LINK, KEYS), "unsubscribe", KEYS, NOW) == LINK
    assert verify(sign(LINK, KEYS[1:]), "unsubscribe", KEYS, NOW) == LINK
    assert refused(sign(LINK, ["another key"]))


def test_a_token_of_one_purpose_opens_no_other() -> None:
    assert refused(sign(LINK, KEYS), "preferences")
    assert refused(sign(replace(LINK, purpose="preferences"), KEYS))


def test_a_link_expires_when_it_says_so_and_else_never() -> None:
    brief = replace(LINK, expires_at=NOW + timedelta(minutes=15))
    assert not refused(sign(brief, KEYS))
    assert refused(sign(brief, KEYS), now=NOW + timedelta(minutes=15))
    assert not refused(sign(LINK, KEYS), now=NOW + timedelta(days=4000))


def test_a_billing_link_of_lifecycle_mail_works_for_a_week_and_another_for_a_month() -> None:
    """Which second it was issued at stays the same, so that it can be ended."""
    bill = link_for("billing", "acc_1", 0, NOW, email="ada@example.com")
    reminder = link_for("billing", "acc_1", 0, NOW, LIFECYCLE, "ada@example.com")
    assert reminder.issued_at == bill.issued_at == NOW
    for link, days in ((bill, 30), (reminder, 7)):
        end = NOW + timedelta(days=days)
        assert not refused(sign(link, KEYS), "billing", now=end - timedelta(seconds=1))
        assert refused(sign(link, KEYS), "billing", now=end)


@given(st.text(max_size=200))
def test_no_invented_token_opens_anything(token: str) -> None:
    assert refused(token)


@given(st.integers(0, 200), st.characters(codec="ascii"))
def test_no_altered_token_opens_anything(place: int, letter: str) -> None:
    token = sign(LINK, KEYS)
    place %= len(token)
    altered = token[:place] + letter + token[place + 1 :]
    assert altered == token or refused(altered)


@pytest.mark.parametrize("keys", [[], [""]])
def test_without_a_key_nothing_opens(keys: list[str]) -> None:
    token = sign(LINK, [""])
    with pytest.raises(LinkRefused):
        verify(token, "unsubscribe", keys, NOW)
