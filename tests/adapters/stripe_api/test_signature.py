"""The verifier must agree with the SDK's own, except for timestamps in the future."""

from datetime import UTC, datetime, timedelta

import pytest
import stripe
from hypothesis import given, settings
from hypothesis import strategies as st
from stripe._webhook import WebhookSignature

from chalicelib.domain.errors import SignatureRefused
from chalicelib.stripe_api.signature import check_signature
from tests.fakes.grids import examples

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECRET = "whsec_current"
PAYLOAD = b'{"id": "evt_1"}'


def signed(payload: bytes = PAYLOAD, secret: str = SECRET, age: int = 0) -> str:
    return str(
        WebhookSignature.generate_signature_header(
            payload.decode(), secret, int(NOW.timestamp()) - age
        )
    )


def accepts(payload: bytes, header: str | None, secrets: list[str], now: datetime = NOW) -> bool:
    try:
        check_signature(payload, header, secrets, now)
    except SignatureRefused:
        return False
    return True


@settings(deadline=None)
@given(st.text(), st.text(min_size=1), st.integers(-200, 200))
def test_what_the_sdk_signs_is_accepted(payload: str, secret: str, age: int) -> None:
    header = WebhookSignature.generate_signature_header(payload, secret, int(NOW.timestamp()) - age)
    assert accepts(payload.encode(), header, ["whsec_other", secret])


@examples(300)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                [
                    signed(),
                    signed(secret="whsec_other"),
                    "t=",
                    "v1=",
                    "v0=x",
                    "t=abc",
                    "=",
                    ",",
                    f"t={int(NOW.timestamp())}",
                ]
            ),
            st.text(st.characters(codec="ascii"), max_size=20),  # the SDK itself fails on others
        ),
        max_size=4,
    )
)
def test_no_header_is_accepted_that_the_sdk_refuses(parts: list[str]) -> None:
    header = ",".join(parts)
    if accepts(PAYLOAD, header, [SECRET]):
        # Whatever its age; raises if it is not Stripe's.
        stripe.Webhook.construct_event(PAYLOAD.decode(), header, SECRET, tolerance=0)


@settings(deadline=None)
@given(st.integers(0, len(PAYLOAD) - 1), st.integers(1, 255))
def test_a_single_changed_byte_is_refused(place: int, change: int) -> None:
    altered = bytearray(PAYLOAD)
    altered[place] ^= change
    assert not accepts(bytes(altered), signed(), [SECRET])


@pytest.mark.parametrize(
    ("age", "fine"),
    [(300, True), (301, False), (-300, True), (-301, False), (86_400, False), (-86_400, False)],
)
def test_the_tolerance_is_five_minutes_both_ways(age: int, fine: bool) -> None:
    assert accepts(PAYLOAD, signed(age=age), [SECRET]) is fine


def test_each_current_secret_is_accepted_and_no_other() -> None:
    assert accepts(PAYLOAD, signed(secret="whsec_old"), [SECRET, "whsec_old"])
    assert not accepts(PAYLOAD, signed(secret="whsec_older"), [SECRET, "whsec_old"])
    both = signed(secret="whsec_rolled") + "," + signed().split(",")[1]
    assert accepts(PAYLOAD, both, [SECRET])


@pytest.mark.parametrize("secrets", [[], [""]])
def test_without_a_secret_nothing_is_accepted(secrets: list[str]) -> None:
    assert not accepts(PAYLOAD, signed(secret="") if secrets else signed(), secrets)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t=1",
        "v1=abc",
        "t=,v1=abc",
        "t=²,v1=abc",
        f"t={NOW.timestamp():.0f}",
        signed().replace("v1", "v0"),
        "t=1,t=2,v1=x",
        "a" * 5000,
        "v1=é,v1=\ud800," + signed()[:12],
    ],
)
def test_a_header_that_proves_nothing_is_refused(header: str | None) -> None:
    assert not accepts(PAYLOAD, header, [SECRET])


def test_the_clock_is_the_callers() -> None:
    assert not accepts(PAYLOAD, signed(), [SECRET], NOW + timedelta(days=1))
