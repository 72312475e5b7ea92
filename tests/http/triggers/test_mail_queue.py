"""From a due account to a message at SES, with the functions called as Lambda calls them: each
message once, whatever SES answers.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from moto.backends import get_backend

from chalicelib.aws.mail import mailer
from chalicelib.entry.triggers.act_queue import act_on_accounts
from chalicelib.entry.triggers.mail_queue import send_mails
from chalicelib.entry.triggers.schedules import sweep_due
from chalicelib.entry.triggers.ses_feedback import take_feedback
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.ingestion.ingest import ingest
from local.aws.lambda_context import LambdaContext
from tests.fakes.services import RECORDINGS
from tests.http.conftest import Stage
from tests.unit.usecases.ingestion.test_ingest_recordings import messages

ACCOUNT, WELCOME = "acct_demo", "welcome"
OFFICE = (wiring.claims, wiring.suppressions, wiring.mail_services)
TICK = {
    "version": "0",
    "id": "1",
    "account": "123456789012",
    "region": "us-east-1",
    "source": "aws.events",
    "detail-type": "Scheduled Event",
    "detail": {},
    "resources": [],
    "time": "2026-03-02T09:00:00Z",
}


@dataclass
class Office:
    """A stage with everything that mail needs."""

    stage: Stage
    act_queue: str
    mail_queue: str
    ses: Any
    posted: int = 0

    def sweep(self) -> None:
        sweep_due(TICK, LambdaContext("sweep_due", 60))

    def work(self, url: str, function: Callable[[Any, Any], Any]) -> int:
        """Run the function on the waiting messages. Returns how many will come again (and do,
        at once).
        """
        waiting = self.stage.messages(url)
        records = [
            {
                "messageId": one["MessageId"],
                "receiptHandle": one["ReceiptHandle"],
                "body": one["Body"],
            }
            for one in waiting
        ]
        failed = {
            one["itemIdentifier"]
            for one in function({"Records": records}, LambdaContext("worker", 60))[
                "batchItemFailures"
            ]
        }
        for one in waiting:
            if one["MessageId"] in failed:
                self.stage.sqs.change_message_visibility(
                    QueueUrl=url, ReceiptHandle=one["ReceiptHandle"], VisibilityTimeout=0
                )
            else:
                self.stage.sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return len(failed)

    def tick(self) -> int:
        """A minute of the schedule: sweep, process, send. Returns how many messages wait for
        SES.
        """
        self.sweep()
        self.work(self.act_queue, act_on_accounts)
        return self.work(self.mail_queue, send_mails)

    def tell(self, *records: Any) -> None:
        """What SES tells, each record as EventBridge delivers it."""
        for number, detail in enumerate(records):
            event = TICK | {"id": f"ses-{number}", "source": "aws.ses", "detail": detail}
            take_feedback(event, LambdaContext("take_feedback", 60))

    def told(self, kind: str) -> dict[str, Any]:
        """SES's event of this kind about its only message."""
        (sent,) = self.inbox
        named = {"Bounce": "bounced", "Complaint": "complained"}.get(kind)
        body = (
            {f"{named}Recipients": [{"emailAddress": "ada@example.com"}], "bounceType": "Permanent"}
            if named
            else {}
        )
        stamp = clock.now().isoformat()
        mail = {"timestamp": stamp, "messageId": sent.id, "tags": self.tags}
        return {"eventType": kind, "mail": mail, kind.lower(): {"timestamp": stamp, **body}}

    @property
    def inbox(self) -> list[Any]:
        return list(get_backend("ses")["123456789012"]["us-east-1"].sent_messages)

    tags: Any = None

    def on_posting(self, request: Any, **_: Any) -> None:
        self.posted += 1
        self.tags = {tag["Name"]: [tag["Value"]] for tag in json.loads(request.body)["EmailTags"]}

    def outcomes(self) -> dict[str, str]:
        account = wiring.accounts().load(ACCOUNT)
        assert account
        return {key.partition("@")[0]: mailed.outcome for key, mailed in account.mails.items()}

    def begin_trial(self) -> None:
        """A trial that began just now, so that its welcome is due."""
        moved = RECORDINGS["trial_converts"].moved_to(int(clock.now().timestamp()) - 5)
        self.stage.stripe.truth = moved.truth(5)
        ingest(messages(moved.events[:5]), wiring.services())


@pytest.fixture
def office(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    boto3.client("ssm").put_parameter(
        Name="/billhook/link-keys", Value="new-link-key old-link-key", Type="SecureString"
    )
    monkeypatch.setenv("CONFIGURATION_SET", "billhook-events")
    boto3.client("sesv2").create_email_identity(EmailIdentity="mail.acme.example")
    ses = mailer.client()
    # moto has no GetAccount.
    ses.get_account = lambda: {
        "SendingEnabled": True,
        "SendQuota": {"Max24HourSend": -1.0, "MaxSendRate": 0.0, "SentLast24Hours": 0.0},
    }
    monkeypatch.setattr(mailer, "client", lambda: ses)
    for cached in OFFICE:
        cached.cache_clear()
    environment = {
        name: stage.sqs.get_queue_url(QueueName=name)["QueueUrl"] for name in ("act", "mail")
    }
    made = Office(stage, environment["act"], environment["mail"], ses)
    ses.meta.events.register("before-send.sesv2.SendEmail", made.on_posting)
    yield made
    for cached in OFFICE:
        cached.cache_clear()


def reply_lost(request: Any, **_: Any) -> None:
    raise ReadTimeoutError(endpoint_url=request.url)


def answering(code: str, message: str) -> Callable[..., None]:
    """A client that answers so, without SES having taken anything."""

    def send_email(**_: Any) -> None:
        raise ClientError(
            {
                "Error": {"Code": code, "Message": message},
                "ResponseMetadata": {"HTTPStatusCode": 400},
            },
            "SendEmail",
        )  # type: ignore[typeddict-item]

    return send_email


def later(monkeypatch: pytest.MonkeyPatch, **time: float) -> None:
    monkeypatch.setattr(clock, "_ahead", clock._ahead + timedelta(**time))


def test_a_trial_that_begins_is_welcomed_once(office: Office) -> None:
    office.begin_trial()
    for _ in range(3):
        assert office.tick() == 0
    (mail,) = office.inbox
    assert mail.destinations["ToAddresses"] == ["ada@example.com"]
    assert mail.source == "Ada at Acme <ada@mail.acme.example>"
    assert office.outcomes() == {WELCOME: "sent"}
    assert office.stage.metrics()["MailsSent"] == 1
    key = office.stage.key("read")
    entries = office.stage.get(f"/accounts/{ACCOUNT}/timeline", key).body["entries"]
    assert [entry["type"] for entry in entries if entry["kind"] == "mail"] == ["mail.sent"]


def test_three_sweeps_at_once_send_one_mail(office: Office) -> None:
    office.begin_trial()
    for _ in range(3):
        office.sweep()
    office.work(office.act_queue, act_on_accounts)
    (waiting,) = office.stage.messages(office.mail_queue)
    for _ in range(3):
        office.stage.sqs.send_message(QueueUrl=office.mail_queue, MessageBody=waiting["Body"])
    office.work(office.mail_queue, send_mails)
    assert len(office.inbox) == 1


def test_a_mail_whose_reply_is_lost_is_posted_once_and_settled_by_ses_own_event(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """43."""
    office.begin_trial()
    office.ses.meta.events.register_last("before-send", reply_lost)
    office.tick()
    assert (len(office.inbox), office.posted) == (1, 1)
    assert office.stage.metrics()["MailsUnclear"] == 1
    assert office.outcomes() == {WELCOME: "queued"}
    office.ses.meta.events.unregister("before-send", reply_lost)
    office.tell(office.told("Send"))
    assert office.outcomes() == {WELCOME: "sent"}
    later(monkeypatch, minutes=45)
    office.tick()
    assert (len(office.inbox), office.posted) == (1, 1)


def test_a_lifecycle_mail_that_stays_unclear_is_never_sent_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.begin_trial()
    office.ses.meta.events.register_last("before-send", reply_lost)
    for _ in range(3):
        office.tick()
        later(monkeypatch, minutes=45)
    assert office.posted == 1
    assert office.outcomes() == {WELCOME: "unclear"}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("TooManyRequestsException", "Maximum sending rate exceeded"),
        ("ThrottlingException", "Daily message quota exceeded"),
        ("SendingPausedException", ""),
    ],
)
def test_over_pace_and_quota_a_mail_waits_and_is_not_lost(
    office: Office, monkeypatch: pytest.MonkeyPatch, code: str, message: str
) -> None:
    office.begin_trial()
    with monkeypatch.context() as patch:
        patch.setattr(office.ses, "send_email", answering(code, message))
        assert office.tick() == 1
    assert office.stage.metrics()["MailsWaiting"] == 1
    later(monkeypatch, minutes=10)
    # as another function's process, or this one once its rest is over
    wiring.mail_services.cache_clear()
    assert office.tick() == 0
    assert (len(office.inbox), office.outcomes()) == (1, {WELCOME: "sent"})


def test_what_ses_refuses_is_not_tried_again_and_no_log_holds_the_address(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.begin_trial()
    monkeypatch.setattr(
        office.ses,
        "send_email",
        answering("MessageRejected", "Message contains a virus: ada@example.com"),
    )
    assert office.tick() == 0
    assert office.tick() == 0
    assert office.outcomes() == {WELCOME: "refused"}
    assert office.stage.metrics()["MailsRefused"] == 1
    assert "ada@example.com" not in office.stage.everything_said()


def test_a_suppressed_address_gets_nothing_whichever_way_it_is_written(office: Office) -> None:
    """42."""
    wiring.suppressions().add("ADA@Example.com", "complaint", clock.now())
    office.begin_trial()
    office.tick()
    assert (office.posted, office.outcomes()) == (0, {WELCOME: "refused"})


def test_a_broken_message_is_told_and_goes_out_once_it_is_mended(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.begin_trial()
    with monkeypatch.context() as patch:
        services = wiring.services()
        broken = replace(
            services,
            policy=replace(
                services.policy,
                steps=tuple(replace(step, message="no_such") for step in services.policy.steps),
            ),
        )
        patch.setattr(wiring, "services", lambda: broken)
        assert office.tick() == 0, "given back, it would come at once, for days"
    assert (office.posted, office.outcomes()) == (0, {WELCOME: "queued"})
    assert "UnknownMessage" in office.stage.everything_said()
    later(monkeypatch, minutes=45)
    office.tick()
    assert (len(office.inbox), office.outcomes()) == (1, {WELCOME: "sent"})


def test_a_message_of_an_unknown_form_is_dropped(office: Office) -> None:
    bodies = [
        "",
        "{",
        "[]",
        "null",
        '{"account_id": 7, "key": "x"}',
        '{"account_id": "acct_demo"}',
        '{"account_id": "", "key": ""}',
    ]
    for body in bodies:
        record = {"messageId": "m-1", "receiptHandle": "r", "body": body}
        assert send_mails({"Records": [record]}, LambdaContext("send_mails", 60)) == {
            "batchItemFailures": []
        }, body
    assert office.stage.everything_said().count("Unknown message") == len(bodies)


def test_a_message_of_an_unknown_account_is_dropped(office: Office) -> None:
    office.begin_trial()
    for account, key in (("acc_none", "welcome@signup"), (ACCOUNT, "no_such@step")):
        office.stage.sqs.send_message(
            QueueUrl=office.mail_queue, MessageBody=json.dumps({"account_id": account, "key": key})
        )
    assert office.work(office.mail_queue, send_mails) == 0
    assert office.posted == 0
