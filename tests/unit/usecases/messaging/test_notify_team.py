"""What the team gets by mail of customers' lives: each happening once, and each day on the next."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import ConcurrentUpdate, MailOutcomeUnknown, MailRefused, Unavailable
from chalicelib.domain.messaging.email_message import EmailMessage
from chalicelib.domain.policy.policy import TeamPolicy
from chalicelib.domain.policy.team import NOTICES
from chalicelib.usecases.billing.cancellation import give_feedback
from chalicelib.usecases.messages import SendEndpointNotice, SendNotice, read_mail_message
from chalicelib.usecases.messaging import notify_team
from chalicelib.usecases.messaging.notify_team import (
    enqueue_digests,
    send_digest,
    send_endpoint_notice,
    send_notice,
)
from chalicelib.usecases.services import MailServices
from ops.rehearsal.customers import CUSTOMERS
from ops.rehearsal.script import script
from tests.fakes.faults import Crash, crashing_after
from tests.fakes.lifecycles import ACCOUNT, START, Life, MemoryClaims
from tests.fakes.memory.queues import MemoryWorkQueue
from tests.fakes.memory.timeline import MemoryTimelines
from tests.fakes.services import POLICY, FakeServices

TEAM = TeamPolicy(("ada@acme.example", "ben@acme.example"), frozenset(NOTICES))
TOLD = replace(POLICY, team=TEAM)
BY_NAME = {customer.name: customer for customer in CUSTOMERS}
DASHBOARD = "https://dashboard.stripe.com"


@dataclass
class Mailer:
    """SES, for the team."""

    sent: list[EmailMessage] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)

    def send(self, message: EmailMessage) -> str:
        if self.faults:
            raise self.faults.pop(0)
        self.sent.append(message)
        return f"ses-{len(self.sent)}"

    def wait_for_capacity(self) -> None:
        return


@dataclass
class Timelines:
    """Pages of two entries."""

    log: MemoryTimelines

    def page(
        self, account_id: str, cursor: str | None, now: datetime
    ) -> tuple[list[Entry], str | None]:
        found = [entry for entry in self.log.entries.values() if entry.account_id == account_id]
        start = int(cursor or 0)
        return found[start : start + 2], str(start + 2) if len(found) > start + 2 else None


@dataclass
class Queue(MemoryWorkQueue):
    """The mail queue: what is for the team lies apart."""

    team: list[dict[str, str]] = field(default_factory=list)

    def send(self, work: Mapping[str, str]) -> None:
        (self.waiting if "key" in work else self.team).append(dict(work))


class Team:
    """A customer's life, and the team's mailbox."""

    def __init__(self, policy: Any = TOLD, **known: Any) -> None:
        self.queue, self.mailer, self.claims = Queue(), Mailer(), MemoryClaims()
        self.suppressed: set[str] = set()
        self.life = Life(place=FakeServices(policy=policy, mail_queue=self.queue), **known)

    @property
    def services(self) -> Any:
        return self.life.services

    @property
    def post(self) -> MailServices:
        office = MailServices(
            self.mailer,
            self.claims,
            lambda email, stream: email in self.suppressed,
            lambda link: "",
            lambda email: email,
            sign_in_form="https://b.example/sign-in",
        )
        return self.life.calls.watch_parts(office, "mailer", "claims")

    def lives(self, name: str, days: int = 60) -> "Team":
        for heard in script(BY_NAME[name], POLICY, START, days):
            if self.life.place.accounts.items:
                self.life.advance(heard.at)
            self.life.tell(*heard.facts)
            self.life.work()
        self.life.days(days)
        return self

    def works(self) -> "Team":
        """Send what waits, as the queue brings it: what failed comes again."""
        for _ in range(50):
            if not self.queue.team:
                return self
            work = self.queue.team.pop(0)
            try:
                self.send(work)
            except (Crash, Unavailable):
                self.queue.team.append(work)
        raise AssertionError("it never ends")

    def send(self, work: dict[str, str]) -> None:
        """One message of the queue, as its function does it."""
        if "digest" in work:
            send_digest(
                work["digest"], Timelines(self.life.place.timeline), self.services, self.post
            )
        else:
            notice = read_mail_message(json.dumps(work))
            assert isinstance(notice, SendNotice)
            send_notice(notice.account_id, notice.event, DASHBOARD, self.services, self.post)

    def subjects(self, to: str = "ada@acme.example") -> list[str]:
        return [letter.subject for letter in self.mailer.sent if letter.recipient == to]


WHO = "Typed by the visitor: Ada Byron <ada at example . com>"


def test_what_a_customer_answers_reaches_the_team() -> None:
    team = Team().lives("never returns", 20).works()
    assert give_feedback(
        team.life.account, "access_ended@1", "unused", "No time yet", team.services
    )
    team.life.days(20.1)
    assert team.works().subjects()[-1] == f"[Acme] Answered why: {ACCOUNT}"
    assert "In their words: No time yet" in team.mailer.sent[-1].text


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        ("never returns", ["New trial"]),
        ("converts", ["New trial", "Converted"]),
        ("card fails", ["New trial", "Converted", "Payment failed"]),
        ("cancels", ["New trial", "Converted", "Canceled"]),
        ("comes back", ["New trial", "Converted", "Canceled", "Came back"]),
    ],
)
def test_each_life_is_told_in_its_happenings(name: str, titles: list[str]) -> None:
    team = Team().lives(name).works()
    assert team.subjects() == [f"[Acme] {title}: {ACCOUNT}" for title in titles]
    assert team.subjects("ben@acme.example") == team.subjects()
    for letter in team.mailer.sent:
        assert letter.headers == {}
        assert letter.tags.keys() == {"notice"}, "no news of the customer comes of it"
        assert f"python -m ops accounts show {ACCOUNT}" in letter.text
        assert f"{DASHBOARD}/customers/cus_" in letter.text
    assert set(team.life.steps) <= {step.id for step in POLICY.steps}, (
        "and the customer's own mail is what it was"
    )


def test_a_switch_that_is_off_tells_nothing() -> None:
    quiet = replace(TOLD, team=replace(TEAM, notices=frozenset({"conversion"}), digest=False))
    team = Team(quiet).lives("comes back").works()
    assert [subject.split(":")[0] for subject in team.subjects()] == [
        "[Acme] Converted",
        "[Acme] Came back",
    ]
    assert enqueue_digests(team.services) == 0
    assert not [entry for entry in team.life.place.timeline.entries.values() if entry.kind == "day"]


def test_without_the_table_there_is_no_work_for_it() -> None:
    team = Team(POLICY).lives("comes back")
    assert team.queue.team == []
    assert not [entry for entry in team.life.place.timeline.entries.values() if entry.kind == "day"]
    assert enqueue_digests(team.services) == 0


def test_work_that_comes_twice_is_sent_once() -> None:
    team = Team().lives("converts")
    team.queue.team += list(team.queue.team)
    team.works()
    assert len(team.subjects()) == 2


@pytest.mark.parametrize("reply_lost", [True, False])
def test_a_crash_anywhere_tells_everything_once_at_most(reply_lost: bool) -> None:
    """Between the claim and SES's answer nobody knows: then it is not sent again.
    All else is told."""
    whole = Team().lives("converts", 20).works()
    total, titles, lost = len(whole.life.calls.made), whole.subjects(), 0
    for n in range(1, total + 1):
        team = Team(calls=crashing_after(n, reply_lost=reply_lost)).lives("converts", 20).works()
        for to in TEAM.mail:
            told = team.subjects(to)
            assert len(set(told)) == len(told), n
            lost += len(titles) - len(told)
    assert lost <= 2 * 2 * len(titles)


def test_while_ses_takes_no_more_it_waits_and_what_it_refuses_keeps_no_other_waiting() -> None:
    team = Team().lives("never returns", 3)
    team.mailer.faults = [Unavailable("SES takes no more for now.")]
    assert team.works().subjects() == [f"[Acme] New trial: {ACCOUNT}"]
    other = Team().lives("never returns", 3)
    other.mailer.faults = [MailRefused("rejected")]
    other.works()
    assert (other.subjects(), len(other.subjects("ben@acme.example"))) == ([], 1)
    assert other.life.place.metrics["MailsRefused"] == 1, (
        "somebody is told that an address does not take mail"
    )
    unclear = Team().lives("never returns", 3)
    unclear.mailer.faults = [MailOutcomeUnknown("no reply")]
    unclear.queue.team *= 2
    assert unclear.works().subjects() == []
    assert unclear.life.place.metrics["MailsUnclear"] == 1


def test_an_operator_who_is_suppressed_or_an_account_that_is_gone() -> None:
    team = Team().lives("never returns", 3)
    team.suppressed.add("ada@acme.example")
    team.works()
    assert (team.subjects(), len(team.subjects("ben@acme.example"))) == ([], 1)
    gone = Team().lives("never returns", 3)
    gone.life.place.accounts.items.clear()
    assert gone.works().mailer.sent == []


def test_the_digest_of_a_day_comes_on_the_next_and_once() -> None:
    team = Team().lives("never returns", 20)
    team.queue.team.clear()
    team.life.now.at = START + timedelta(days=15)  # the trial ended yesterday
    assert enqueue_digests(team.services) == 1
    assert enqueue_digests(team.services) == 0, "it has been handed out"
    assert team.queue.team == [{"digest": "2026-03-16"}]
    team.queue.team *= 2
    (letter,) = [
        letter for letter in team.works().mailer.sent if letter.recipient == "ada@acme.example"
    ]
    assert letter.subject == "[Acme] 2026-03-16: 1 lost"
    assert "New trials: 0\nConverted, or came back: 0\nLost access: 1\n" in letter.text
    assert f"Lost access:\n{ACCOUNT}. {WHO}\n" in letter.text


def test_a_day_without_anything_has_no_digest() -> None:
    team = Team().lives("never returns", 20)
    team.queue.team.clear()
    team.life.now.at = START + timedelta(days=7)
    assert enqueue_digests(team.services) == 1
    assert team.works().mailer.sent == []


def test_a_digest_handed_out_by_two_at_once_is_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    team = Team().lives("never returns", 3)
    team.queue.team.clear()
    team.life.now.at = START + timedelta(days=1)

    def raced(*_: object) -> None:
        raise ConcurrentUpdate("another goes on")

    with monkeypatch.context() as patch:
        patch.setattr(type(team.life.place.job_states), "save", raced)
        assert enqueue_digests(team.services) == 1
    assert enqueue_digests(team.services) == 1
    assert len(team.queue.team) == 2
    assert team.works().subjects() == ["[Acme] 2026-03-02: 1 new"]


def test_a_busy_day_names_ten_and_counts_the_rest() -> None:
    team = Team()
    for number in range(13):
        data = {"account_id": f"acc_{number}", "group": "new"}
        team.life.place.timeline.put(
            [
                Entry(
                    "#2026-03-01",
                    START - timedelta(days=1),
                    "day",
                    f"{number}",
                    "trial.started",
                    data,
                )
            ]
        )
    team.queue.team.append({"digest": "2026-03-01"})
    letter, _ = team.works().mailer.sent
    assert "New trials: 13\n" in letter.text
    assert letter.text.count("acc_") == notify_team.NAMED, (
        "an account that is gone is named by its id"
    )
    assert "and 3 more" in letter.text


def test_what_a_customer_typed_is_one_line_and_no_markup() -> None:
    team = Team().lives("never returns", 3)
    account = team.life.account
    rude = replace(
        account,
        profile=replace(
            account.profile, name="Ada\r\nBcc: all@example.com <b>\u202e https://evil.example"
        ),
    )
    team.life.place.accounts.save(account, replace(rude, version=account.version + 1))
    letter = team.works().mailer.sent[0]
    assert "\n" not in letter.subject
    assert "\u202e" not in letter.subject + letter.text + letter.html
    assert "<b>" not in letter.html
    assert 'href="https://evil' not in letter.html
    assert len(letter.subject) <= 150


def test_mail_to_the_team_leaves_the_customers_account_alone() -> None:
    team = Team().lives("converts").works()
    assert not [key for key in team.life.account.mails if key.startswith("operators")]
    assert not [key for _, key in team.life.claims.kept if key.startswith("operators")], (
        "the claims of the two are apart"
    )


def test_the_team_is_told_once_that_slack_refuses() -> None:
    team, notice = Team(), SendEndpointNotice("slack", "2026-03-02T09:00:00+00:00")
    outcomes = [send_endpoint_notice(notice, team.services, team.post) for _ in range(2)]
    assert outcomes == ["sent", "nothing"]
    for address in TEAM.mail:
        assert team.subjects(address) == ["[Acme] Slack refuses messages"]
    assert "secrets set slack-webhook-url" in team.mailer.sent[0].text


def test_without_operators_nobody_is_told_that_slack_refuses() -> None:
    team, notice = Team(POLICY), SendEndpointNotice("slack", "2026-03-02T09:00:00+00:00")
    assert send_endpoint_notice(notice, team.services, team.post) == "nothing"


def test_the_team_is_told_once_of_contacts_of_the_other_mode() -> None:
    team = Team()
    for at in ("2026-03-02T09:00:00+00:00", "2026-03-09T09:00:00+00:00"):
        send_endpoint_notice(SendEndpointNotice("people-mode", at), team.services, team.post)
    for address in TEAM.mail:
        assert team.subjects(address) == ["[Acme] A contact is of the other mode"]
    assert "python -m ops people list" in team.mailer.sent[0].text
