"""Claims that the owner's product signs: what they must have, and what forgers try."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.security.claims import LASTS, SignedClaim, _signature, read_claim

KEY, NEXT = "k" * 32, "n" * 32
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SOON = int(NOW.timestamp()) + 900
GOOD = {"external_id": "user-1", "email": "ada@example.com", "exp": SOON}


def made(fields: Any, key: str = KEY) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")
    return f"{payload}.{_signature(payload, key)}"


# {"external_id":"user\/311","email":"zo\u00eb@example.com","exp":1772442900}
PHP = (
    "eyJleHRlcm5hbF9pZCI6InVzZXJcLzMxMSIsImVtYWlsIjoiem9cdTAwZWJAZXhhbXBsZS5jb20iLCJl"
    "eHAiOjE3NzI0NDI5MDB9.dVaPtZVk5_fmqBXS86TkZg-w2E3zwfj2_MLhPSNxJII"
)


def test_a_claim_made_by_another_language_is_read() -> None:
    assert read_claim(PHP, [KEY], NOW) == SignedClaim("user/311", "zo\u00eb@example.com")


@pytest.mark.parametrize("keys", [[KEY], [NEXT, KEY], [KEY, NEXT]])
def test_a_claim_is_read_with_each_living_key(keys: list[str]) -> None:
    assert read_claim(made(GOOD), keys, NOW) == SignedClaim("user-1", "ada@example.com")
    without = {name: value for name, value in GOOD.items() if name != "email"}
    assert read_claim(made(without), keys, NOW) == SignedClaim("user-1", None)


@pytest.mark.parametrize("keys", [[], [""], [NEXT]])
def test_without_the_key_no_claim_is_read(keys: list[str]) -> None:
    with pytest.raises(InvalidInput, match="not signed") as caught:
        read_claim(made(GOOD, ""), keys, NOW)
    assert caught.value.field == "claim"


@pytest.mark.parametrize("place", range(0, len(made(GOOD)), 7))
def test_a_claim_changed_in_one_letter_is_refused(place: int) -> None:
    token = made(GOOD)
    other = "A" if token[place] != "A" else "B"
    with pytest.raises(InvalidInput, match="not signed"):
        read_claim(token[:place] + other + token[place + 1 :], [KEY], NOW)


@pytest.mark.parametrize("token", ["", ".", "a.b.c", "\u00fc.\u00fc", "\ud800.x", "x" * 5000])
def test_anything_else_is_refused(token: str) -> None:
    with pytest.raises(InvalidInput, match="not signed"):
        read_claim(token, [KEY], NOW)


@pytest.mark.parametrize(
    "fields",
    [
        [],
        "user-1",
        {},
        {"exp": SOON},
        {"external_id": 7, "exp": SOON},
        {"external_id": "user-1"},
        {**GOOD, "exp": str(SOON)},
        {**GOOD, "exp": SOON + 0.5},
        {**GOOD, "exp": True},
        {**GOOD, "email": ["ada@example.com"]},
        {**GOOD, "admin": True},
    ],
)
def test_a_signed_claim_must_have_its_fields_and_no_others(fields: Any) -> None:
    with pytest.raises(InvalidInput, match="claim must have"):
        read_claim(made(fields), [KEY], NOW)


@pytest.mark.parametrize(
    ("exp", "told"),
    [
        (0, "expired"),
        (int(NOW.timestamp()), "expired"),
        (int((NOW + LASTS).timestamp()) + 1, "in an hour at most"),
        (10**30, "in an hour at most"),
    ],
)
def test_a_claim_lasts_an_hour_at_most(exp: int, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        read_claim(made({**GOOD, "exp": exp}), [KEY], NOW)
    last = int((NOW + LASTS).timestamp())
    assert read_claim(made({**GOOD, "exp": last}), [KEY], NOW).external_id == "user-1"
    almost = NOW + LASTS - timedelta(seconds=1)
    assert read_claim(made({**GOOD, "exp": last}), [KEY], almost).external_id == "user-1"
