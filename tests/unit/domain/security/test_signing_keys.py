"""The keys of access tokens: which one signs, which are published, and how the next takes over."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.errors import Unavailable
from chalicelib.domain.security.signing_keys import (
    KEPT_AFTER,
    PUBLISHED_BEFORE,
    TOKEN_LASTS,
    SigningKey,
    key_id,
    key_set,
    published,
    read_keys,
    signer,
    waiting,
    with_next,
    write_keys,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SIGNS = NOW + PUBLISHED_BEFORE


def key(kid: str, signs_from: datetime) -> SigningKey:
    return SigningKey(kid, int(signs_from.timestamp()), "d", "x", "y")


FIRST = key("first", datetime.fromtimestamp(0, UTC))
NEXT = key("next", SIGNS)


def kids(keys: object) -> list[str]:
    assert isinstance(keys, list | tuple)
    return [one.kid for one in keys]


def test_the_next_key_is_published_at_once_and_signs_a_day_later() -> None:
    keys = with_next([FIRST], NEXT, NOW)
    assert kids(published(keys, NOW)) == ["first", "next"]
    assert signer(keys, NOW).kid == "first"
    assert signer(keys, SIGNS - SECOND).kid == "first"
    assert signer(keys, SIGNS).kid == "next"


def test_an_old_key_stays_until_its_last_token_has_ended_and_hours_more() -> None:
    keys = (FIRST, NEXT)
    gone = SIGNS + KEPT_AFTER
    assert TOKEN_LASTS + timedelta(hours=1) <= KEPT_AFTER
    assert kids(published(keys, gone - SECOND)) == ["first", "next"]
    assert kids(published(keys, gone)) == ["next"]


def test_a_rotation_drops_keys_that_nobody_meets_any_more() -> None:
    later = SIGNS + KEPT_AFTER
    third = key("third", later + PUBLISHED_BEFORE)
    assert kids(with_next((FIRST, NEXT), third, later)) == ["next", "third"]
    assert kids(with_next((FIRST, NEXT), third, later - SECOND)) == ["first", "next", "third"]


def test_a_key_waits_until_it_signs() -> None:
    assert waiting((FIRST, NEXT), SIGNS - SECOND) == NEXT
    assert waiting((FIRST, NEXT), SIGNS) is None


def test_the_key_set_tells_no_secret() -> None:
    (told,) = key_set([FIRST], NOW)["keys"]
    assert told == {
        "kty": "EC",
        "crv": "P-256",
        "use": "sig",
        "alg": "ES256",
        "kid": "first",
        "x": "x",
        "y": "y",
    }


def test_keys_are_read_as_they_were_written_and_in_the_order_of_their_signing() -> None:
    assert read_keys(write_keys([NEXT, FIRST])) == (FIRST, NEXT)


@pytest.mark.parametrize("text", ["", "[]", "{}x", "[1]", '[{"kid":"a"}]', "5", '[{"x":1}]'])
def test_what_holds_no_keys_is_named(text: str) -> None:
    with pytest.raises(Unavailable, match="signing-keys"):
        read_keys(text)


def test_no_key_signs_before_its_time() -> None:
    for keys in ((), (NEXT,)):
        with pytest.raises(Unavailable, match="signing-keys"):
            signer(keys, NOW)


def test_the_id_of_a_key_is_its_thumbprint() -> None:
    """The key of RFC 7515, A.3: the digest of {"crv","kty","x","y"} without spaces (RFC 7638)."""
    x, y = (
        "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    )
    assert key_id(x, y) == "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"
