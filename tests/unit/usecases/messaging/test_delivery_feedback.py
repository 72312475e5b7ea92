"""What SES tells afterwards: in both of its shapes, of every recipient, settled once, and never a
reason to stumble.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.account.facts import MessageRecorded
from chalicelib.domain.account.messages import MessageRecord
from chalicelib.domain.account.profile import Profile, ProfileChanged
from chalicelib.domain.account.queries import notice_complaint_of
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.channels import PEOPLE
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.messaging.copies import copy_key, copy_tag
from chalicelib.domain.messaging.email_message import SendClaim
from chalicelib.domain.messaging.mail_counts import COUNTED, MailCount, by_step
from chalicelib.domain.people.deliveries import CONTACT_CHANGED
from chalicelib.domain.policy.policy import PeoplePolicy, TeamPolicy
from chalicelib.domain.schedule.versions import next_version
from chalicelib.usecases.messaging.delivery_feedback import KINDS, take_feedback
from tests.fakes.lifecycles import MemoryClaims
from tests.fakes.services import FakeServices

KEY = "welcome@signup"
BODIES = {
    "Send": ("send", {}),
    "Delivery": (
        "delivery",
        {
            "timestamp": "2026-03-02T09:00:07.000Z",
            "recipients": ["ada@example.com"],
            "smtpResponse": "250 ok",
        },
    ),
    "DeliveryDelay": (
        "deliveryDelay",
        {
            "timestamp": "2026-03-02T09:20:00.000Z",
            "delayType": "MailboxFull",
            "delayedRecipients": [],
        },
    ),
    "Reject": ("reject", {"reason": "Bad content"}),
    "Rendering Failure": ("failure", {"errorMessage": "Attribute is missing", "templateName": "x"}),
}


def notice(
    kind: str,
    addresses: Sequence[str] = ("ada@example.com",),
    published: bool = True,
    **changes: Any,
) -> str:
    """A notification as SES writes it: published as an event of a configuration set, or told by an
    identity.
    """
    recipients = [
        {"emailAddress": address, "status": "5.1.1", "diagnosticCode": f"smtp; 550 <{address}>"}
        for address in addresses
    ]
    bodies = BODIES | {
        "Bounce": (
            "bounce",
            {
                "bounceType": "Permanent",
                "bounceSubType": "General",
                "bouncedRecipients": recipients,
                "feedbackId": "f-1",
            }
            | {"timestamp": "2026-03-02T09:00:09.000Z"},
        ),
        "Complaint": (
            "complaint",
            {
                "complaintFeedbackType": "abuse",
                "complainedRecipients": recipients,
                "feedbackId": "f-2",
                "timestamp": "2026-03-02T10:00:00.000Z",
            },
        ),
    }
    name, body = bodies[kind]
    tags = {
        "ses:configuration-set": ["set"],
        "account": ["acc_1"],
        "step": ["welcome"],
        "occasion": ["signup"],
        "stream": ["lifecycle"],
    }
    mail = {
        "timestamp": "2026-03-02T09:00:05.123Z",
        "source": "ada@mail.acme.example",
        "messageId": "0100-1",
        "destination": ["Ada <Ada@example.com>"],
        "headers": [],
        "tags": tags,
    }
    return json.dumps(
        {
            "eventType" if published else "notificationType": kind,
            "mail": mail,
            name: {**body, **changes},
        }
    )


@dataclass
class MemorySuppressions:
    held: dict[str, str] = field(default_factory=dict)
    about_notices: list[bool] = field(default_factory=list)

    def add(
        self,
        email: str,
        reason: str,
        at: datetime,
        message_id: str = "",
        about_a_notice: bool = False,
    ) -> None:
        self.held[email] = reason
        self.about_notices.append(about_a_notice)

    def mark(self, email: str) -> str:
        return f"mark of {email}"


@dataclass
class Desk:
    """A place with one account, one message of which is on its way."""

    place: FakeServices
    claims: MemoryClaims = field(default_factory=MemoryClaims)
    suppressions: MemorySuppressions = field(default_factory=MemorySuppressions)

    def has(
        self, outcome: str | None, claimed: bool = True, recipient: str = "ada@example.com"
    ) -> "Desk":
        old = Account("acc_1")
        account = replace(old, profile=Profile("ada@example.com"))
        record = MessageRecorded(KEY, MessageRecord(outcome or "", self.place.now.at, "lifecycle"))
        new = apply(account, record) if outcome else account
        self.place.accounts.save(old, next_version(old, new, self.place.policy, self.place.now.at))
        if claimed:
            mark = self.suppressions.mark(recipient) if recipient else ""
            claim = SendClaim("acc_1", KEY, "sending", self.place.now.at, recipient=mark)
            self.claims.take(claim, None)
        return self

    def take(self, text: str) -> str:
        return take_feedback(text, self.place.services, self.claims, self.suppressions)

    @property
    def outcome(self) -> str:
        return self.place.accounts.only().mails[KEY].outcome

    @property
    def timeline(self) -> list[str]:
        return [
            entry.type for entry in self.place.timeline.entries.values() if entry.kind == "mail"
        ]


@pytest.fixture
def desk(place: FakeServices) -> Desk:
    return Desk(place)


@pytest.mark.parametrize("published", [True, False])
@pytest.mark.parametrize("kind", ["Bounce", "Complaint"])
@pytest.mark.parametrize("claimed", [True, False])
def test_the_recipient_of_our_message_is_suppressed_in_either_shape(
    desk: Desk, kind: str, published: bool, claimed: bool
) -> None:
    desk.has("sent", claimed)
    assert desk.take(notice(kind, ['"Ada B." <ada@example.com>'], published)) == kind
    assert desk.suppressions.held == {"ada@example.com": kind.lower()}
    assert desk.place.metrics["Bounces" if kind == "Bounce" else "Complaints"] == 1
    assert desk.place.metrics["FeedbackForeign"] == 0


@pytest.mark.parametrize("kind", ["Bounce", "Complaint"])
def test_the_people_system_is_told_of_a_suppressed_address(desk: Desk, kind: str) -> None:
    people = PeoplePolicy("intercom", "https://api.intercom.io")
    desk.has("sent").place.policy = replace(desk.place.policy, people=people)
    desk.take(notice(kind))
    (told,) = desk.place.deliveries.kept.values()
    assert (told.key.endpoint_id, told.type, told.account_id) == (
        PEOPLE,
        CONTACT_CHANGED,
        "acc_1",
    )
    assert told.is_due(desk.place.now.at)


def test_without_a_people_system_nothing_is_put_for_one(desk: Desk) -> None:
    desk.has("sent").take(notice("Bounce"))
    assert desk.place.deliveries.kept == {}


@pytest.mark.parametrize("kind", ["Bounce", "Complaint"])
@pytest.mark.parametrize("recipient", ["ada@example.com", ""])
def test_a_bounce_suppresses_nobody_whom_the_message_did_not_go_to(
    desk: Desk, kind: str, recipient: str
) -> None:
    """A mail server that bounces a message may name whomever it likes."""
    desk.has("sent", recipient=recipient)
    told = json.loads(notice(kind, ["ada@example.com", "victim@example.com"]))
    told["mail"]["destination"] += ["victim@example.com"]
    desk.take(json.dumps(told))
    assert list(desk.suppressions.held) == ["ada@example.com"]
    assert desk.place.metrics["FeedbackForeign"] == 1


def of_a_copy(kind: str, tag: str) -> str:
    """A notification about the copy of a bill that went to the account's address of before."""
    told = json.loads(notice(kind, ["old@example.com"]))
    told["mail"]["destination"] = ["old@example.com"]
    told["mail"]["tags"] |= {"step": ["failed"], "stream": ["billing"], "copy": [tag]}
    return json.dumps(told)


@pytest.mark.parametrize("kind", ["Bounce", "Complaint"])
def test_feedback_about_a_copy_is_about_its_reader_and_no_bill(desk: Desk, kind: str) -> None:
    desk.has("sent")
    mark = desk.suppressions.mark("old@example.com")
    key = copy_key("failed@signup", copy_tag(mark))
    desk.claims.take(SendClaim("acc_1", key, "sending", desk.place.now.at, recipient=mark), None)
    before = desk.place.accounts.only()
    assert desk.take(of_a_copy(kind, copy_tag(mark))) == kind
    assert desk.suppressions.held == {"old@example.com": kind.lower()}
    assert desk.suppressions.about_notices == [False]
    assert desk.place.accounts.only() == before, "neither marked nor settled"
    (entry,) = [one for one in desk.place.timeline.entries.values() if one.kind == "mail"]
    assert entry.data["copy"] is True


@pytest.mark.parametrize("tag", ["mark of somebody", ""])
def test_feedback_about_a_copy_that_never_went_out_suppresses_nobody(desk: Desk, tag: str) -> None:
    desk.has("sent")
    desk.take(of_a_copy("Bounce", tag))
    assert desk.suppressions.held == {}
    assert desk.place.metrics["FeedbackForeign"] == 1


def test_a_bounce_of_another_message_under_our_tags_suppresses_nobody(desk: Desk) -> None:
    desk.has("sent")
    claim = desk.claims.kept["acc_1", KEY]
    desk.claims.kept["acc_1", KEY] = replace(claim, state="sent", message_id="0100-other")
    desk.take(notice("Bounce"))
    assert (desk.suppressions.held, desk.place.metrics["FeedbackForeign"]) == ({}, 1)


def test_a_message_to_an_address_that_changed_since_suppresses_that_one(desk: Desk) -> None:
    desk.has("sent", recipient="old@example.com")
    told = json.loads(notice("Bounce", ["old@example.com"]))
    told["mail"]["destination"] = ["old@example.com"]
    desk.take(json.dumps(told))
    assert list(desk.suppressions.held) == ["old@example.com"]


@pytest.mark.parametrize(
    ("step", "stream", "about_a_notice"),
    [
        ("welcome", "lifecycle", False),
        ("payment_failed", "billing", True),
        ("sign_in", "billing", False),
        ("confirm", "billing", False),
        ("confirm_email", "billing", False),
    ],
)
def test_a_complaint_says_whether_it_is_about_a_notice_that_nobody_else_can_cause(
    desk: Desk, step: str, stream: str, about_a_notice: bool
) -> None:
    desk.has("sent")
    record = MessageRecorded(f"{step}@signup", MessageRecord("sent", desk.place.now.at, stream))
    account = desk.place.accounts.only()
    new = next_version(account, apply(account, record), desk.place.policy, desk.place.now.at)
    desk.place.accounts.save(account, new)
    told = json.loads(notice("Complaint"))
    told["mail"]["tags"] |= {"step": [step], "stream": [stream]}
    desk.take(json.dumps(told))
    assert desk.suppressions.about_notices == [about_a_notice]


def complains(desk: Desk, step: str, stream: str = "billing", at: str = "2026-03-02") -> None:
    """The reader of a message of this step reports it as spam."""
    record = MessageRecorded(f"{step}@signup", MessageRecord("sent", desk.place.now.at, stream))
    account = desk.place.accounts.only()
    new = next_version(account, apply(account, record), desk.place.policy, desk.place.now.at)
    desk.place.accounts.save(account, new)
    told = json.loads(notice("Complaint", timestamp=f"{at}T10:00:00.000Z"))
    told["mail"]["tags"] |= {"step": [step], "stream": [stream]}
    desk.take(json.dumps(told))


def told_team(desk: Desk) -> list[Any]:
    outbox = desk.place.accounts.only().outbox
    return [event.data["message"] for event in outbox if event.type == "notice.complained"]


def test_a_complaint_about_a_bill_marks_the_account_and_is_told_once(desk: Desk) -> None:
    desk.has("sent")
    for _ in range(2):
        complains(desk, "failed")
    account = desk.place.accounts.only()
    complaint = notice_complaint_of(account)
    assert complaint
    assert (complaint.step, complaint.at.isoformat()) == ("failed", "2026-03-02T10:00:00+00:00")
    assert told_team(desk) == ["failed"]
    complains(desk, "failed_3", at="2026-03-05")
    assert told_team(desk) == ["failed", "failed_3"]


@pytest.mark.parametrize(
    ("step", "stream"),
    [
        ("welcome", "lifecycle"),
        ("sign_in", "billing"),
        ("confirm_email", "billing"),
        ("confirm_cancel", "billing"),
    ],
)
def test_a_complaint_about_what_others_can_cause_marks_nobody(
    desk: Desk, step: str, stream: str
) -> None:
    desk.has("sent")
    complains(desk, step, stream)
    assert desk.place.accounts.only().notice_complaint is None
    assert told_team(desk) == []


def dropped(stream: str) -> str:
    told = json.loads(notice("Complaint", complaintSubType="OnAccountSuppressionList"))
    told["mail"]["tags"]["stream"] = [stream]
    return json.dumps(told)


def test_a_bill_that_ses_dropped_for_an_older_complaint_is_no_second_complaint(desk: Desk) -> None:
    desk.has("queued").take(dropped("billing"))
    assert desk.suppressions.held == {"ada@example.com": "complaint"}
    assert desk.suppressions.about_notices == [False]
    assert desk.place.accounts.only().notice_complaint is None
    assert told_team(desk) == []
    assert (desk.outcome, desk.timeline) == ("refused", ["mail.rejected"])
    assert "Complaints" not in desk.place.metrics
    assert desk.place.mail_counts.numbers == {}


def test_a_reader_who_says_that_a_message_is_no_spam_is_not_suppressed(desk: Desk) -> None:
    desk.has("sent")
    assert desk.take(notice("Complaint", complaintFeedbackType="not-spam")) == "left"
    assert (desk.suppressions.held, desk.timeline) == ({}, [])


def test_a_forged_complaint_about_a_bill_marks_nobody(desk: Desk) -> None:
    desk.has("sent", recipient="other@example.com")
    told = json.loads(notice("Complaint"))
    told["mail"]["tags"] |= {"step": ["welcome"], "stream": ["billing"]}
    desk.take(json.dumps(told))
    assert desk.place.accounts.only().notice_complaint is None


def test_another_address_of_the_account_ends_the_mark(desk: Desk) -> None:
    desk.has("sent")
    complains(desk, "failed")
    account = desk.place.accounts.only()
    moved = apply(
        account, ProfileChanged({"email": "ada@new.example"}, desk.place.now.at, "customer")
    )
    assert moved.notice_complaint == account.notice_complaint
    assert notice_complaint_of(moved) is None


@pytest.mark.parametrize("type", ["Transient", "Undetermined"])
def test_a_bounce_that_may_pass_is_counted_and_suppresses_nobody(desk: Desk, type: str) -> None:
    desk.has("sent").take(notice("Bounce", bounceType=type))
    assert desk.suppressions.held == {}
    assert desk.place.metrics == {"TransientBounces": 1}
    assert desk.timeline == ["mail.bounced"]


@pytest.mark.parametrize("kind", ["Bounce", "Complaint"])
def test_mail_that_was_not_ours_suppresses_nobody_and_writes_no_timeline(
    desk: Desk, kind: str
) -> None:
    desk.take(notice(kind))
    desk.has("sent")
    told = json.loads(notice(kind))
    del told["mail"]["tags"]
    assert desk.take(json.dumps(told)) == kind
    assert (desk.suppressions.held, desk.timeline) == ({}, [])
    assert desk.place.metrics == {"FeedbackForeign": 2}


def test_one_of_the_teams_addresses_is_suppressed_after_a_notice_bounced(desk: Desk) -> None:
    team = TeamPolicy(mail=("Ops@example.com",), notices=(), digest=False)
    desk.place.policy = replace(desk.place.policy, team=team)
    for address in ("ops@example.com", "victim@example.com"):
        told = json.loads(notice("Bounce", [address]))
        told["mail"] |= {"tags": {"notice": ["trial.converted"]}, "destination": [address]}
        desk.take(json.dumps(told))
    assert list(desk.suppressions.held) == ["ops@example.com"]


@pytest.mark.parametrize("kind", ["Send", "Delivery", "DeliveryDelay", "Bounce", "Complaint"])
@pytest.mark.parametrize("outcome", ["queued", "unclear"])
def test_an_unclear_message_is_settled_by_what_only_ses_can_know(
    desk: Desk, kind: str, outcome: str
) -> None:
    desk.has(outcome).take(notice(kind))
    assert desk.outcome == "sent"
    claim = desk.claims.load("acc_1", KEY)
    assert claim
    assert (claim.state, claim.message_id) == ("sent", "0100-1")


@pytest.mark.parametrize("kind", ["Reject", "Rendering Failure"])
def test_what_ses_took_and_did_not_send_is_settled_as_refused(desk: Desk, kind: str) -> None:
    desk.has("queued").take(notice(kind))
    assert desk.outcome == "refused"


def test_a_claim_that_was_given_up_too_early_does_not_matter(desk: Desk) -> None:
    desk.has("queued", claimed=False).take(notice("Send"))
    assert desk.outcome == "sent"


@pytest.mark.parametrize("outcome", ["passed", None])
def test_a_message_that_was_given_up_or_forgotten_though_ses_had_it_is_remembered(
    desk: Desk, outcome: str | None
) -> None:
    desk.has(outcome).take(notice("Send"))
    assert desk.outcome == "sent"


@pytest.mark.parametrize("outcome", ["sent", "refused"])
def test_what_is_settled_stays_so_and_writes_the_account_no_more(
    desk: Desk, outcome: str | None
) -> None:
    desk.has(outcome)
    before = desk.place.accounts.only()
    for kind in KINDS:
        desk.take(notice(kind))
    assert desk.place.accounts.only() == before


def test_the_timeline_tells_what_became_of_it_each_thing_once(desk: Desk) -> None:
    desk.has("queued")
    for _ in range(2):
        for kind in (
            "Send",
            "Delivery",
            "Bounce",
            "Complaint",
            "DeliveryDelay",
            "Reject",
            "Rendering Failure",
        ):
            desk.take(notice(kind))
    assert sorted(desk.timeline) == sorted(KINDS.values())
    (bounced,) = [
        entry for entry in desk.place.timeline.entries.values() if entry.type == "mail.bounced"
    ]
    assert (bounced.account_id, bounced.id) == ("acc_1", "0100-1.mail.bounced")
    assert bounced.at.isoformat() == "2026-03-02T09:00:09+00:00"
    assert bounced.data == {
        "message": KEY,
        "ses_id": "0100-1",
        "bounceType": "Permanent",
        "bounceSubType": "General",
    }
    assert "@example.com" not in str(desk.place.timeline.entries), (
        "the server's diagnosis repeats the address"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        "null",
        "7",
        '"Bounce"',
        "{}",
        '{"eventType": "Bounce"}',
        '{"eventType": []}',
        '{"eventType": "Send", "mail": []}',
        (
            '{"notificationType": "Complaint", "mail": {"messageId": "1", "timestamp":'
            ' "yesterday"}, "complaint": {}}'
        ),
        notice("Bounce", []),
        notice("Bounce", ["nobody"], bouncedRecipients=[{"emailAddress": None}]),
        notice("Bounce", bouncedRecipients="ada@example.com"),
        notice("Complaint", timestamp=7),
        "[" * 100_000,
    ],
)
def test_what_cannot_be_read_is_counted_and_stops_nothing(desk: Desk, text: str) -> None:
    desk.has("sent")
    assert desk.take(text) == "unreadable"
    assert desk.place.metrics == {"FeedbackUnreadable": 1}
    assert desk.timeline == []


@pytest.mark.parametrize(
    "text",
    [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        (
            '{"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have'
            ' successfully subscribed"}'
        ),
        '{"eventType": "Open", "mail": {}, "open": {}}',
    ],
)
def test_what_is_about_no_message_is_left(desk: Desk, text: str) -> None:
    assert desk.take(text) == "left"
    assert desk.place.metrics == {}


@pytest.mark.parametrize("account", ["../x", "", "a" * 65, "ACCOUNT#acc_1"])
def test_a_tag_that_names_no_account_reads_none(desk: Desk, account: str) -> None:
    told = json.loads(notice("Send"))
    told["mail"]["tags"]["account"] = [account]
    assert desk.has("queued").take(json.dumps(told)) == "Send"
    assert desk.outcome == "queued"


def test_an_address_is_suppressed_before_anything_else_is_written(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise Unavailable("DynamoDB gives no answer now.")

    desk.has("queued")
    monkeypatch.setattr(desk.place.accounts, "save", fail)
    with pytest.raises(Unavailable):
        desk.take(notice("Complaint"))
    assert list(desk.suppressions.held) == ["ada@example.com"]


def test_late_news_of_a_first_attempt_settles_the_second(desk: Desk) -> None:
    desk.has("queued")
    first = desk.claims.kept["acc_1", KEY]
    desk.claims.take(replace(first, attempt=2, at=first.at + timedelta(minutes=20)), first)
    desk.take(notice("Send"))
    assert desk.outcome == "sent"
    claim = desk.claims.load("acc_1", KEY)
    assert claim
    assert claim.state == "sent"


def test_what_ses_tells_of_a_message_is_counted_once_in_the_week_of_its_sending(desk: Desk) -> None:
    desk.has("sent")
    told = [notice(kind) for kind in ("Send", "Delivery", "Bounce", "Complaint", "DeliveryDelay")]
    for text in (*told, *reversed(told)):
        desk.take(text)
    counted = desk.place.mail_counts.of_weeks(date(2026, 3, 2), date(2026, 3, 2))
    assert by_step(counted) == {"welcome": MailCount("welcome", 1, 1, 1, 1)}
    assert set(COUNTED) < set(KINDS)


def test_a_copy_and_a_message_that_is_none_of_ours_are_not_counted(desk: Desk) -> None:
    desk.has(None, claimed=False)
    desk.take(notice("Delivery"))
    desk.take(of_a_copy("Delivery", "a tag"))
    assert desk.place.mail_counts.numbers == {}
    assert desk.timeline == ["mail.delivered"]
