"""What the webhook route accepts and refuses, and its answers."""

import json
from typing import Any

import pytest

from chalicelib.entry.http.webhooks import LARGEST_BODY
from tests.fakes.services import RECORDINGS
from tests.http.conftest import SECRET, Stage

EVENT = RECORDINGS["trial_converts"].events[0]


def bodies(stage: Stage) -> list[str]:
    return [message["Body"] for message in stage.messages(stage.events_queue)]


def test_a_signed_webhook_is_in_the_queue_when_it_is_answered(stage: Stage) -> None:
    assert stage.webhook(EVENT).status == 200
    assert [json.loads(body) for body in bodies(stage)] == [EVENT]
    assert stage.metrics() == {}, "the log and AWS count what goes well"


def test_each_current_secret_is_accepted(stage: Stage) -> None:
    assert stage.webhook(EVENT, secret="whsec_old").status == 200


@pytest.mark.parametrize("text", ["é ü 😀", "tab\tand\r\nlines", "\\u00e9", '  {"id" :  1}'])
def test_the_signature_is_over_the_exact_bytes_whatever_the_gateway_makes_of_them(
    stage: Stage, text: str
) -> None:
    body = json.dumps({**EVENT, "note": text}, ensure_ascii=False, indent=2).encode() + b"\n "
    assert stage.webhook(body).status == 200
    assert bodies(stage) == [body.decode()]


@pytest.mark.parametrize(
    ("case", "arguments"),
    [
        ("another secret", {"secret": "whsec_wrong"}),
        ("too old", {"age": 400}),
        ("from the future", {"age": -400}),
        ("an empty signature", {"Stripe_Signature": ""}),
        ("nonsense", {"Stripe_Signature": "t=now,v1=yes"}),
        ("a huge header", {"Stripe_Signature": "v1=" + "a" * 100_000}),
    ],
)
def test_a_bad_signature_is_a_400_and_a_metric_and_no_line_in_the_log(
    stage: Stage, case: str, arguments: Any
) -> None:
    answer = stage.webhook(
        EVENT,
        **{
            name.replace("Stripe_Signature", "Stripe-Signature"): value
            for name, value in arguments.items()
        },
    )
    assert (answer.status, answer.body["error"]["code"]) == (400, "signature_refused"), case
    assert bodies(stage) == []
    assert stage.metrics() == {"SignaturesRefused": 1}
    assert stage.said.getvalue() == ""


def test_a_missing_signature_is_refused(stage: Stage) -> None:
    answer = stage.call("POST", "/webhooks/stripe", b"{}", Content_Type="application/json")
    assert (answer.status, answer.body["error"]["code"]) == (400, "signature_refused")


def test_an_empty_body_is_refused_with_and_without_a_signature(stage: Stage) -> None:
    assert stage.webhook(b"").body["error"]["code"] == "invalid"
    assert (
        stage.call("POST", "/webhooks/stripe", Content_Type="application/json").body["error"][
            "code"
        ]
        == "signature_refused"
    )


def test_two_megabytes_are_refused_before_anything_is_computed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.entry.http.webhooks.check_signature", None)
    answer = stage.webhook(b" " * 2_000_000)
    assert (answer.status, answer.body["error"]["code"]) == (413, "too_large")
    assert stage.metrics() == {"BodiesTooLarge": 1}


def test_the_largest_body_that_is_taken_fits_into_the_queue(stage: Stage) -> None:
    body = json.dumps({**EVENT, "padding": ""}).encode()
    body = body.replace(
        b'"padding": ""', b'"padding": "' + b"x" * (LARGEST_BODY - len(body)) + b'"'
    )
    assert len(body) == LARGEST_BODY
    assert stage.webhook(body).status == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"no json", b"[" * 100_000])
def test_a_signed_body_that_is_no_event_is_queued_and_left_to_ingestion(
    stage: Stage, body: bytes
) -> None:
    assert stage.webhook(body).status == 200
    assert bodies(stage) == [body.decode()]


def test_bytes_that_are_no_text_are_refused(stage: Stage) -> None:
    assert stage.webhook(b"\xff\xfe").body["error"]["code"] == "invalid"


def test_an_event_of_the_other_mode_is_acknowledged_and_ignored(stage: Stage) -> None:
    assert stage.webhook({**EVENT, "livemode": True}).status == 200
    assert bodies(stage) == []
    assert stage.metrics() == {"WebhooksOfOtherMode": 1}


def test_only_the_events_own_mode_counts_and_not_that_of_something_in_it(stage: Stage) -> None:
    inner = {**EVENT["data"]["object"], "livemode": True}
    assert stage.webhook({**EVENT, "data": {"object": inner}}).status == 200
    assert stage.webhook({**EVENT, "note": '"livemode": true'}).status == 200
    assert stage.webhook(b'{"livemode": true').status == 200
    assert len(bodies(stage)) == 3


def test_a_queue_that_refuses_is_a_503_so_that_stripe_repeats(stage: Stage) -> None:
    stage.sqs.delete_queue(QueueUrl=stage.events_queue)
    answer = stage.webhook(EVENT)
    assert (answer.status, answer.body["error"]["code"]) == (503, "unavailable")
    assert stage.metrics() == {"WebhooksNotQueued": 1}


def test_an_unexpected_failure_is_never_answered_with_success(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(f"a defect, with {SECRET}")

    monkeypatch.setattr("chalicelib.entry.http.webhooks.check_signature", fail)
    answer = stage.webhook(EVENT)
    assert (answer.status, answer.body["error"]["code"]) == (500, "internal")
    assert stage.metrics() == {"WebhooksNotQueued": 1}
    assert "RuntimeError" in stage.everything_said()
    assert SECRET not in stage.everything_said() + str(answer.body), (
        "the text of an error may hold what it failed on"
    )


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml"])
def test_another_content_type_is_refused_in_our_shape(stage: Stage, content_type: str) -> None:
    answer = stage.webhook(EVENT, **{"Content-Type": content_type})
    assert (answer.status, answer.body["error"]["code"]) == (415, "unsupported_media_type")


def test_no_payload_address_or_secret_is_ever_said(stage: Stage) -> None:
    stage.webhook(EVENT)
    stage.webhook(EVENT, secret="whsec_wrong")
    stage.webhook({**EVENT, "livemode": True})
    stage.webhook({**EVENT, "created": "never"})
    stage.work()
    said = stage.everything_said()
    assert "EventsDead" in said
    for secret in (
        SECRET,
        "whsec_wrong",
        "ada@example.com",
        "Ada Byron",
        "hash-key-secret",
        "sk_test_secret",
        "invoice_prefix",
    ):
        assert secret not in said
