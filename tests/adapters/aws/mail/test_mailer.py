"""SES's client: the request, the meaning of each error, one attempt, and the sending rate. What
moto does not simulate is simulated by botocore's hooks.
"""

import io
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from chalicelib.aws.mail import mailer
from chalicelib.aws.mail.mailer import LONG_PAUSE, QUOTA_CACHED, Mailer
from chalicelib.domain.errors import BillhookError, MailOutcomeUnknown, MailRefused, Unavailable
from chalicelib.domain.messaging.email_message import EmailMessage

LETTER = EmailMessage(
    sender="Ada at Acme <ada@mail.acme.example>",
    recipient="grace@customer.example",
    reply_to="help@acme.example",
    subject="Your trial ends “soon”",
    html="<p>Grüße</p>",
    text="Grüße\n",
    headers={
        "List-Unsubscribe": "<https://b.example/unsubscribe/x>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    },
    tags={"account": "acc_1", "step": "welcome", "occasion": "signup", "stream": "lifecycle"},
)


class Raw(io.BytesIO):
    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()


@dataclass
class Ses:
    """The requests to SES, and its answers in turn: (status, type of error or None for SES's
    own form, body) or an exception.
    """

    posted: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)
    faults: list[Any] = field(default_factory=list)
    account: dict[str, Any] = field(default_factory=dict)
    asked: int = 0

    def send_email(self, request: Any, **_: Any) -> AWSResponse:
        self.posted.append(json.loads(request.body))
        self.headers.append(dict(request.headers.items()))
        fault = (
            self.faults.pop(0)
            if self.faults
            else (200, None, {"MessageId": f"ses-{len(self.posted)}"})
        )
        if isinstance(fault, Exception):
            raise fault
        return self._response(request, *fault)

    def get_account(self, request: Any, **_: Any) -> AWSResponse:
        self.asked += 1
        return self._response(request, 200, None, self.account)

    def _response(self, request: Any, status: int, code: str | None, body: Any) -> AWSResponse:
        headers = {"content-type": "application/json"} | (
            {"x-amzn-errortype": code} if code else {}
        )
        return AWSResponse(
            request.url,
            status,
            headers,
            Raw(body if isinstance(body, bytes) else json.dumps(body).encode()),
        )


@dataclass
class Time:
    """A clock that advances only while somebody waits."""

    now: float = 1000.0
    waited: list[float] = field(default_factory=list)

    def pause(self, seconds: float) -> None:
        self.waited.append(round(seconds, 3))
        self.now += seconds


@pytest.fixture
def unplugged(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def ses() -> Ses:
    return Ses(
        account={
            "SendingEnabled": True,
            "SendQuota": {"Max24HourSend": 50000.0, "MaxSendRate": 10.0, "SentLast24Hours": 0.0},
        }
    )


@pytest.fixture
def passing() -> Time:
    return Time()


@pytest.fixture
def post(unplugged: pytest.MonkeyPatch, ses: Ses, passing: Time) -> Mailer:
    client = mailer.client()
    client.meta.events.register("before-send.sesv2.SendEmail", ses.send_email)
    client.meta.events.register("before-send.sesv2.GetAccount", ses.get_account)
    return Mailer("billhook-events", passing.pause, lambda: passing.now, client)


def error(code: str, message: str = "", status: int = 400) -> tuple[int, str, dict[str, str]]:
    return status, code, {"message": message or code}


def test_a_letter_goes_out_as_it_is_written(post: Mailer, ses: Ses) -> None:
    assert post.send(LETTER) == "ses-1"
    (sent,) = ses.posted
    assert sent["FromEmailAddress"] == "Ada at Acme <ada@mail.acme.example>"
    assert (sent["Destination"], sent["ReplyToAddresses"]) == (
        {"ToAddresses": ["grace@customer.example"]},
        ["help@acme.example"],
    )
    simple = sent["Content"]["Simple"]
    assert simple["Subject"] == {"Data": "Your trial ends “soon”", "Charset": "UTF-8"}
    assert simple["Body"] == {
        "Text": {"Data": "Grüße\n", "Charset": "UTF-8"},
        "Html": {"Data": "<p>Grüße</p>", "Charset": "UTF-8"},
    }
    assert {header["Name"]: header["Value"] for header in simple["Headers"]} == LETTER.headers
    assert {tag["Name"]: tag["Value"] for tag in sent["EmailTags"]} == LETTER.tags
    assert sent["ConfigurationSetName"] == "billhook-events"


def test_a_name_that_is_not_ascii_is_encoded(post: Mailer, ses: Ses) -> None:
    post.send(replace(LETTER, sender="Zoë at Café <zoe@mail.acme.example>"))
    assert (
        ses.posted[0]["FromEmailAddress"]
        == "=?utf-8?b?Wm/DqyBhdCBDYWbDqQ==?= <zoe@mail.acme.example>"
    )


@pytest.mark.parametrize(
    ("fault", "meaning"),
    [
        (
            error("MessageRejected", "Email address is not verified: grace@customer.example"),
            Unavailable,
        ),
        (error("MessageRejected", "Message contains a virus, grace@customer.example"), MailRefused),
        (error("BadRequestException", "Illegal address grace@customer.example"), MailRefused),
        (error("MailFromDomainNotVerifiedException"), Unavailable),
        (error("NotFoundException", status=404), Unavailable),
        (error("TooManyRequestsException", "Maximum sending rate exceeded.", 429), Unavailable),
        (error("ThrottlingException", "Daily message quota exceeded."), Unavailable),
        (error("LimitExceededException"), Unavailable),
        (error("AccountSuspendedException"), Unavailable),
        (error("SendingPausedException"), Unavailable),
        (
            error("AccessDeniedException", "not authorized for grace@customer.example", 403),
            Unavailable,
        ),
        (error("InternalServiceErrorException", status=500), Unavailable),
        (error("ServiceUnavailableException", status=503), Unavailable),
        ((504, None, b"<html>Gateway Timeout</html>"), MailOutcomeUnknown),
        (ReadTimeoutError(endpoint_url="https://email.example"), MailOutcomeUnknown),
        (ConnectionClosedError(endpoint_url="https://email.example"), MailOutcomeUnknown),
    ],
    ids=lambda value: (
        value[1] or str(value[0])
        if isinstance(value, tuple)
        else getattr(value, "__name__", type(value).__name__)
    ),
)
def test_each_answer_of_ses_has_its_error_after_one_attempt_and_names_no_address(
    post: Mailer, ses: Ses, fault: Any, meaning: type[BillhookError]
) -> None:
    ses.faults = [fault] * 5
    with pytest.raises(meaning) as caught:
        post.send(LETTER)
    assert caught.type is meaning
    assert len(ses.posted) == 1, "botocore by itself would have posted it three times"
    assert "grace" not in str(caught.value)
    assert caught.value.__cause__ is None, "nor in what a trace would print"
    assert caught.value.__suppress_context__


def test_what_cannot_be_put_into_a_request_is_refused(post: Mailer, ses: Ses) -> None:
    with pytest.raises(MailRefused):
        post.send(replace(LETTER, subject=None))  # type: ignore[arg-type]
    assert ses.posted == []


def test_a_connection_is_not_used_twice(post: Mailer, ses: Ses) -> None:
    """A connection that died while the function was frozen would leave it unclear whether SES
    has the message.
    """
    post.send(LETTER)
    assert ses.headers[0]["Connection"] == "close"


@dataclass
class Listener:
    """A server that accepts a request and then never answers, or closes the connection."""

    hangs_up: bool
    requests: int = 0

    def __enter__(self) -> str:
        self._socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._run, daemon=True).start()
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def _run(self) -> None:
        self._open = []
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.recv(65536)
            self.requests += 1
            self._open.append(connection)
            if self.hangs_up:
                connection.close()

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        for connection in self._open:
            connection.close()


@pytest.mark.parametrize("hangs_up", [True, False])
def test_a_mail_whose_reply_is_lost_is_posted_once(
    unplugged: pytest.MonkeyPatch, hangs_up: bool
) -> None:
    """43. By default botocore posts it three times."""
    listener = Listener(hangs_up)
    with listener as endpoint:
        unplugged.setenv("AWS_ENDPOINT_URL", endpoint)
        unplugged.setattr(mailer, "READ_TIMEOUT", 0.5)
        with pytest.raises(MailOutcomeUnknown):
            Mailer(None).send(LETTER)
    assert listener.requests == 1


def test_a_message_is_not_sent_if_ses_cannot_be_reached(unplugged: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    unplugged.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    with pytest.raises(Unavailable, match="cannot be reached"):
        Mailer(None).send(LETTER)


def test_two_senders_keep_the_rate_together(post: Mailer, passing: Time) -> None:
    for _ in range(4):
        post.wait_for_capacity()
    assert passing.waited == [0.2, 0.2, 0.2], "ten a second, and each of two senders half of them"


def test_time_that_has_passed_already_is_not_waited_for_again(post: Mailer, passing: Time) -> None:
    post.wait_for_capacity()
    passing.now += 5
    post.wait_for_capacity()
    assert passing.waited == []


def test_the_quota_is_read_from_time_to_time(post: Mailer, passing: Time, ses: Ses) -> None:
    for _ in range(10):
        post.wait_for_capacity()
    assert ses.asked == 1
    passing.now += QUOTA_CACHED
    post.wait_for_capacity()
    assert ses.asked == 2


def test_over_the_daily_quota_a_message_waits_and_nothing_is_posted(
    post: Mailer, passing: Time, ses: Ses
) -> None:
    ses.account["SendQuota"] = {
        "Max24HourSend": 200.0,
        "MaxSendRate": 1.0,
        "SentLast24Hours": 198.0,
    }
    for _ in range(2):
        post.wait_for_capacity()
        post.send(LETTER)
    for _ in range(3):
        with pytest.raises(Unavailable):
            post.wait_for_capacity()
    assert (len(ses.posted), ses.asked) == (2, 1)
    passing.now += LONG_PAUSE
    ses.account["SendQuota"]["SentLast24Hours"] = 100.0
    post.wait_for_capacity()
    assert ses.asked == 2


def test_a_quota_of_minus_one_means_unlimited(post: Mailer, ses: Ses) -> None:
    ses.account["SendQuota"] = {
        "Max24HourSend": -1.0,
        "MaxSendRate": 10.0,
        "SentLast24Hours": 1_000_000.0,
    }
    post.wait_for_capacity()
    post.send(LETTER)
    post.wait_for_capacity()


def test_too_fast_is_a_pause_of_a_second_and_too_much_a_long_one(
    post: Mailer, passing: Time, ses: Ses
) -> None:
    post.wait_for_capacity()
    ses.faults = [
        error("ThrottlingException", "Maximum sending rate exceeded."),
        error("ThrottlingException", "Daily message quota exceeded."),
    ]
    with pytest.raises(Unavailable):
        post.send(LETTER)
    post.wait_for_capacity()
    assert passing.waited == [1.0]
    with pytest.raises(Unavailable):
        post.send(LETTER)
    with pytest.raises(Unavailable):
        post.wait_for_capacity()
    passing.now += LONG_PAUSE
    post.wait_for_capacity()
    assert post.send(LETTER) == "ses-3"


@pytest.mark.parametrize("state", [{"SendingEnabled": False}, {"EnforcementStatus": "SHUTDOWN"}])
def test_while_sending_is_paused_nothing_is_posted(
    post: Mailer, ses: Ses, state: dict[str, Any]
) -> None:
    ses.account |= state
    with pytest.raises(Unavailable):
        post.wait_for_capacity()
    assert ses.posted == []
