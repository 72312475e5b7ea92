"""What became of messages, as SES tells it: in the notifications of an identity and in the events
of a configuration set.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any

from chalicelib.domain.account.facts import MessageRecorded, NoticeComplained
from chalicelib.domain.account.messages import MessageRecord, NoticeComplaint
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import Unreadable
from chalicelib.domain.figures.trials import week_of
from chalicelib.domain.ids import well_formed
from chalicelib.domain.messaging.copies import copy_key
from chalicelib.domain.messaging.email_message import SendClaim
from chalicelib.domain.messaging.mail_counts import COUNTED, counted_as
from chalicelib.domain.messaging.suppression import is_about_a_notice
from chalicelib.domain.security.links import reader_mark
from chalicelib.usecases.fan_out import note_contact
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ports.mail import SendClaims, Suppressions
from chalicelib.usecases.services import Services
from chalicelib.values import frozen

KINDS = {
    "Send": "mail.accepted",
    "Delivery": "mail.delivered",
    "DeliveryDelay": "mail.delayed",
    "Bounce": "mail.bounced",
    "Complaint": "mail.complained",
    "Reject": "mail.rejected",
    "Rendering Failure": "mail.not_rendered",
}
"""SES's kinds of feedback, and how the timeline calls them. Each tells that SES had taken the
message.
"""


NOT_SENT = frozenset({"Reject", "Rendering Failure"})


NOT_SPAM = "not-spam"
"""The feedback type of a report that takes one back: the reader says that it is no spam
(docs.aws.amazon.com/ses, "Contents of event data", complaint object; RFC 5965).
"""

DROPPED = "OnAccountSuppressionList"
"""The subtype of a complaint that nobody has made now: SES took the message and did not send it,
since the address is on its own list by an older one (API_Complaint of SES's API v2).
"""


_RECIPIENTS = {
    "Bounce": ("bounce", "bouncedRecipients"),
    "Complaint": ("complaint", "complainedRecipients"),
}


_DETAILS = {
    "Bounce": ("bounceType", "bounceSubType"),
    "Complaint": ("complaintFeedbackType", "complaintSubType"),
    "DeliveryDelay": ("delayType",),
}


_GREETING = "Successfully validated SNS topic"


@frozen
class DeliveryFeedback:
    """One notification. `account_id` and `key` say which message of ours it was about, if it was
    one; `recipients` are those it names, `destinations` those that the message went to. `notice` is
    the kind of a message to the team, `copy` the tag of a copy for the account's address of before.
    """

    kind: str
    at: datetime
    sent_at: datetime
    message_id: str
    recipients: tuple[str, ...]
    account_id: str | None
    key: str
    stream: str
    details: Mapping[str, str]
    destinations: tuple[str, ...] = ()
    notice: str = ""
    copy: str = ""

    @property
    def claim_key(self) -> str:
        """The key of the claim that the message was sent under."""
        return copy_key(self.key, self.copy) if self.copy else self.key

    @property
    def recorded_as(self) -> str:
        """The kind that it is to the message: what SES dropped, no reader has reported."""
        is_dropped = self.details.get("complaintSubType") == DROPPED
        return "Reject" if is_dropped else self.kind

    @property
    def for_good(self) -> bool:
        """Whether it suppresses the recipients."""
        return self.kind == "Complaint" or (
            self.kind == "Bounce" and self.details.get("bounceType") == "Permanent"
        )


def take_feedback(
    text: str, services: Services, claims: SendClaims, suppressions: Suppressions
) -> str:
    """SES's kind of the notification; `left` if it tells nothing about a message, `unreadable`
    (counted) if nobody can tell.

    The same again does no harm. Raises Unavailable if the table cannot be reached.
    """
    try:
        feedback = read_feedback(text)
    except Unreadable:
        services.metrics.count("FeedbackUnreadable", 1)
        return "unreadable"
    if feedback is None:
        return "left"
    account = services.stores.accounts.load(feedback.account_id) if feedback.account_id else None
    claim = _claim(account, feedback, claims) if account else None
    if feedback.for_good:
        team = services.policy.team.mail if services.policy.team else ()
        believed = [
            address
            for address in feedback.recipients
            if went_to(address, feedback, account, claim, suppressions.mark(address), team)
        ]
        step = feedback.key.partition("@")[0]
        # The reader of a copy is no customer any more: a complaint stops the copies, and no bill.
        # What SES dropped is no second complaint, which would stop the bills.
        is_word = feedback.recorded_as == feedback.kind and not feedback.copy
        notice = is_word and is_about_a_notice(step, feedback.stream)
        for address in believed:
            suppressions.add(
                address, feedback.kind.lower(), feedback.at, feedback.message_id, notice
            )
        if account and believed:
            note_contact(account, "suppressed", services)
        _count(feedback, len(believed), services)
        if account and believed and notice and feedback.kind == "Complaint":
            complaint = NoticeComplaint(step, feedback.at, reader_mark(believed[0]))
            account = apply_facts(account, [NoticeComplained(complaint)], services, fetcher=None)
    elif feedback.kind == "Bounce":
        services.metrics.count("TransientBounces", len(feedback.recipients))
    if account is not None:
        _settle(account, feedback, claim, services, claims)
        if services.stores.timeline.put_once(_entry(account.id, feedback)):
            _count_message(account, feedback, claim, services)
    return feedback.kind


def _claim(account: Account, feedback: DeliveryFeedback, claims: SendClaims) -> SendClaim | None:
    """The claim of the message, if it is needed: to know whom to suppress, or to settle what became
    of the message. It is confirmed before the account says that the message was sent.
    """
    mailed = account.mails.get(feedback.key)
    is_settled = feedback.copy or (mailed is not None and mailed.outcome == "sent")
    if is_settled and not feedback.for_good:
        return None
    return claims.load(account.id, feedback.claim_key)


def went_to(
    address: str,
    feedback: DeliveryFeedback,
    account: Account | None,
    claim: SendClaim | None,
    mark: str,
    team: Sequence[str],
) -> bool:
    """Whether the message that the notification is about went to this address, as far as we know:
    by its claim, or else by the account's address, or as one of the team's. `mark` is the address's
    in a claim.

    A mail server that bounces a message may name whomever it likes, and other mail of the same AWS
    account has its notifications too.
    """
    if feedback.destinations and address.casefold() not in feedback.destinations:
        return False
    if account is None:
        return bool(feedback.notice) and address.casefold() in map(str.casefold, team)
    if claim and claim.attempt == 1 and claim.message_id not in (None, feedback.message_id):
        return False
    if claim and claim.recipient:
        return claim.recipient == mark
    if feedback.copy:
        return False
    of_ours = claim is not None or feedback.key in account.mails
    return of_ours and address.casefold() == (account.email or "").casefold()


def read_feedback(text: str) -> DeliveryFeedback | None:
    """The notification in a message of SNS's; None if it is about no message, or if a reader says
    that one is no spam. Raises Unreadable.
    """
    if text.startswith(_GREETING):
        return None
    try:
        told = json.loads(text)
        kind = told.get("eventType") or told["notificationType"]
        if kind not in KINDS:
            return None
        mail, body = told["mail"], told.get(_body_of(kind)) or {}
        if body.get("complaintFeedbackType") == NOT_SPAM:
            return None
        tags = {
            name: str(values[0])
            for name, values in (mail.get("tags") or {}).items()
            if isinstance(values, list) and values
        }
        sent_at = _moment(mail["timestamp"])
        return DeliveryFeedback(
            kind=kind,
            at=_moment(body["timestamp"]) if "timestamp" in body else sent_at,
            sent_at=sent_at,
            message_id=_text(mail["messageId"]),
            recipients=_recipients(kind, body),
            account_id=_account_id(tags),
            key=f"{tags.get('step', '')}@{tags.get('occasion', '')}",
            stream=tags.get("stream", "lifecycle"),
            destinations=_destinations(mail.get("destination")),
            notice=tags.get("notice", ""),
            copy=tags.get("copy", ""),
            details={
                name: str(body[name])[:100] for name in _DETAILS.get(kind, ()) if body.get(name)
            },
        )
    except (
        AttributeError,
        KeyError,
        OverflowError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise Unreadable(
            "A notification of SES's has a shape that this release does not know."
        ) from error


def _body_of(kind: str) -> str:
    return {"Rendering Failure": "failure", "DeliveryDelay": "deliveryDelay"}.get(
        kind, kind.lower()
    )


def _recipients(kind: str, body: Mapping[str, Any]) -> tuple[str, ...]:
    """Every recipient that a bounce or a complaint names, bare."""
    if kind not in _RECIPIENTS:
        return ()
    addresses = [parseaddr(_text(one["emailAddress"]))[1] for one in body[_RECIPIENTS[kind][1]]]
    if not addresses or not all(addresses):
        raise ValueError("no recipient")
    return tuple(addresses)


def _destinations(value: Any) -> tuple[str, ...]:
    """The addresses that the message went to, bare and in lower case; none if it does not say."""
    addresses = value if isinstance(value, list) else []
    return tuple(parseaddr(_text(one))[1].casefold() for one in addresses)


def _account_id(tags: Mapping[str, str]) -> str | None:
    id = tags.get("account", "")
    return id if well_formed(id) and tags.get("step") and tags.get("occasion") else None


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("no text")
    return value


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _count(feedback: DeliveryFeedback, believed: int, services: Services) -> None:
    kind = {"Complaint": "Complaints", "Bounce": "Bounces"}.get(feedback.recorded_as)
    if believed and kind:
        services.metrics.count(kind, believed)
    if believed < len(feedback.recipients):
        services.metrics.count("FeedbackForeign", len(feedback.recipients) - believed)


def _count_message(
    account: Account, feedback: DeliveryFeedback, claim: SendClaim | None, services: Services
) -> None:
    """Count what SES reported of a message of ours, once it is on the timeline: a repeated report
    counts once. If this stops in between, one is missing, which changes no decision.
    """
    is_ours = claim is not None or feedback.key in account.mails
    name = COUNTED.get(feedback.recorded_as)
    if name and is_ours and not feedback.copy:
        step = counted_as(feedback.key)
        services.stores.mail_counts.count(week_of(feedback.sent_at), step, name)


def _settle(
    account: Account,
    feedback: DeliveryFeedback,
    claim: SendClaim | None,
    services: Services,
    claims: SendClaims,
) -> None:
    """SES had the message, whatever its reply said or if there was none: it is not to be sent
    again. Of a copy nothing follows for its message.
    """
    if feedback.copy:
        return
    if claim is not None and claim.state != "sent":
        claims.confirm(claim, feedback.message_id)
    mailed = account.mails.get(feedback.key)
    forgotten = claim is not None and (mailed is None or mailed.outcome == "passed")
    if forgotten or (mailed is not None and mailed.outcome in {"queued", "unclear"}):
        outcome = "refused" if feedback.recorded_as in NOT_SENT else "sent"
        stream = mailed.stream if mailed else feedback.stream
        apply_facts(
            account,
            [MessageRecorded(feedback.key, MessageRecord(outcome, feedback.sent_at, stream))],
            services,
            fetcher=None,
        )


def _entry(account_id: str, feedback: DeliveryFeedback) -> Entry:
    type = KINDS[feedback.recorded_as]
    data: dict[str, Any] = {
        "message": feedback.key,
        "ses_id": feedback.message_id,
        **feedback.details,
    }
    if feedback.copy:
        data["copy"] = True
    return Entry(account_id, feedback.at, "mail", f"{feedback.message_id}.{type}", type, data)
