"""What we sign, a receiver's library accepts; what was changed, it refuses."""

from base64 import b64decode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from chalicelib.domain.outgoing.signature import as_secret, key_of, signed_headers

NEW, OLD = b"n" * 32, b"o" * 32
ID = "acc_1.0.21.trial.started.sub_9"


def _now() -> datetime:
    """The library compares with the real clock."""
    return datetime.now(UTC)


def test_a_signature_is_that_of_the_specification() -> None:
    # Its own example: the spec's README has this secret, id, timestamp, payload and signature.
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', [key], at)
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(st.text(max_size=40))
def test_a_receivers_library_accepts_the_very_bytes(name: str) -> None:
    import json

    body = json.dumps({"name": name}, ensure_ascii=False).encode("utf-8", "replace")
    headers = signed_headers(ID, body, [NEW], _now())
    assert Webhook(as_secret(NEW)).verify(body.decode(), headers) == json.loads(body)


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_while_a_secret_rotates_both_verify(secret: bytes) -> None:
    headers = signed_headers(ID, b"{}", [NEW, OLD], _now())
    assert Webhook(as_secret(secret)).verify("{}", headers) == {}


def test_a_change_of_body_id_time_or_secret_is_refused() -> None:
    headers = signed_headers(ID, b'{"a":1}', [NEW], _now())
    for secret, body, changed in (
        (NEW, '{"a":2}', {}),
        (NEW, '{"a":1}', {"webhook-id": "acc_1.0.22.trial.started.sub_9"}),
        (NEW, '{"a":1}', {"webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1)}),
        (OLD, '{"a":1}', {}),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(as_secret(secret)).verify(body, headers | changed)


def test_a_secret_is_base64_of_its_key_behind_a_prefix() -> None:
    secret = as_secret(NEW)
    assert secret.startswith("whsec_")
    assert b64decode(secret.removeprefix("whsec_")) == NEW == key_of(secret)
