"""Any body that is posted as a signup is either read or refused with an error of Billhook's."""

import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import BillhookError
from chalicelib.entry.http.signups.form import FIELDS, parse_signup, read_signup
from tests.fakes.services import POLICY

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
fields = st.dictionaries(
    st.sampled_from([*FIELDS, "website", "cf-turnstile-response"]), values, max_size=9
)
texts = st.dictionaries(
    st.sampled_from([*FIELDS, "attributes[a]", "attributes[]", "website"]),
    st.text(max_size=20),
    max_size=9,
)


def check(body: bytes, kind: str) -> None:
    with suppress(BillhookError):
        form = parse_signup(body, kind)
        assert isinstance(form.is_trapped, bool)
        assert isinstance(form.captcha, str)
        wish = read_signup(form.fields, POLICY)
        assert "@" in wish.email
        assert wish.plan in POLICY.plans
        assert not any(letter in (wish.name or "") for letter in "\r\n\x00")


@given(fields, st.booleans())
def test_any_json_is_read_or_refused(content: Any, with_email: bool) -> None:
    check(
        json.dumps(content | ({"email": "ada@example.com"} if with_email else {})).encode(),
        "application/json",
    )


@given(texts, st.booleans())
def test_any_form_is_read_or_refused(content: Any, with_email: bool) -> None:
    check(
        urlencode(
            content | ({"email": "ada@example.com"} if with_email else {}), errors="replace"
        ).encode(),
        "application/x-www-form-urlencoded",
    )


@given(
    st.binary(max_size=200),
    st.sampled_from(
        ["application/json", "application/x-www-form-urlencoded", "", "text/plain; charset=x"]
    ),
)
def test_any_bytes_are_read_or_refused(body: bytes, kind: str) -> None:
    check(body, kind)
