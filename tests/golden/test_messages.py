"""What waits in queues while a release goes out is written and accepted in the same form.

An account, messages and events that an older release left are carried on by the functions as
Lambda calls them, with all services in memory. `data/trial.json` is not generated anew.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from chalicelib.aws.items import account_text, dump
from chalicelib.domain.changes.dead_letters import DeadLetter
from chalicelib.domain.policy.read import read_policy
from chalicelib.domain.security.signup import SignupRequest
from chalicelib.domain.stripe_objects.answers import StripeCharge
from chalicelib.entry.triggers.act_queue import act_on_accounts
from chalicelib.entry.triggers.events_queue import process_events
from chalicelib.entry.triggers.mail_queue import send_mails
from chalicelib.entry.triggers.schedules import sweep_due
from chalicelib.entry.triggers.ses_feedback import take_feedback
from chalicelib.entry.triggers.table_stream import carry_out
from chalicelib.runtime import wiring
from chalicelib.runtime.settings import settings
from chalicelib.usecases.accounts.sign_up import enqueue_sign_in, enqueue_signup
from chalicelib.usecases.messaging.notify_team import enqueue_digests
from chalicelib.usecases.operators.dead_letters.handling import senders_to
from chalicelib.usecases.services import MailServices
from local.aws.lambda_context import LambdaContext
from ops.recovery.feedback import feedback_function
from tests.fakes.lifecycles import MemoryClaims
from tests.fakes.services import POLICY, ROOT, FakeServices
from tests.fakes.simulated_lifecycles import SimLife
from tests.golden.additions import without_additions

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
MORE = {"Subject": None, "MessageAttributes": {}}
STORED: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "trial.json").read_text())
GIVEN: dict[str, Any] = STORED["given"]
EXPECTED: dict[str, Any] = STORED["expected"]
TEAM = '[operators]\nmail = ["team@acme.example"]\n'
TOLD = replace(
    read_policy((ROOT / "chalicelib" / "billing.toml").read_text() + TEAM), steps=POLICY.steps
)


@dataclass
class System:
    """All services in memory, with the account of a trial that an older release wrote."""

    place: FakeServices = field(default_factory=lambda: SimLife(TOLD).place)
    claims: MemoryClaims = field(default_factory=MemoryClaims)
    letters: list[Any] = field(default_factory=list)
    suppressed: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.place.now.at = START
        self.place.accounts.items["acc_golden"] = STORED["item"]
        self.place.accounts.owners |= STORED["owners"]

    def send(self, letter: Any) -> str:
        """SES."""
        self.letters.append(letter)
        return f"ses-{len(self.letters)}"

    def wait_for_capacity(self) -> None:
        """SES has room."""

    def add(self, email: str, reason: str, at: datetime, *_: object) -> None:
        """Suppress an address."""
        self.suppressed[email] = reason

    def mark(self, email: str) -> str:
        """What stands for an address in a claim."""
        return email

    def page(self, account_id: str, cursor: str | None, now: datetime) -> tuple[list[Any], None]:
        """A timeline, on one page."""
        entries = self.place.timeline.entries.values()
        return [one for one in entries if one.account_id == account_id], None

    @property
    def post_office(self) -> Any:
        return MailServices(
            self,
            self.claims,
            lambda email, stream: email in self.suppressed,
            lambda link: f"/{link.purpose}",
            self.mark,
            sign_in_form="https://b.example/sign-in",
        )

    def timeline(self) -> list[str]:
        """Each entry as `owner kind id type {data}`, sorted: the order of writing is not stored."""
        return sorted(
            f"{one.account_id} {one.kind} {one.id} {one.type} {dump(one.data)}"
            for one in self.place.timeline.entries.values()
        )

    def body(self, account_id: str = "acc_golden") -> Any:
        """The account as it is stored."""
        return json.loads(account_text(self.place.accounts.items[account_id]))


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    made = System()
    for name, value in {
        "services": made.place.services,
        "mail_services": made.post_office,
        "timelines": made,
        "claims": made.claims,
        "suppressions": made,
    }.items():
        monkeypatch.setattr(wiring, name, lambda value=value: value)
    for name in (
        *("STAGE", "LIVEMODE", "TABLE_NAME", "PARAMETERS_PATH", "EVENTS_QUEUE_URL"),
        *("DEAD_LETTERS_QUEUE_URL", "ACT_QUEUE_URL", "MAIL_QUEUE_URL"),
        "DELIVERIES_QUEUE_URL",
        "WEBHOOKS",
    ):
        monkeypatch.setenv(name, "x")
    settings.cache_clear()
    yield made
    settings.cache_clear()


def call(function: Any, *bodies: Any) -> Any:
    """Call a function of a queue with these messages: none comes again."""
    records = [
        {"messageId": str(n), "body": body if isinstance(body, str) else json.dumps(body)}
        for n, body in enumerate(bodies)
    ]
    answer = function({"Records": records}, LambdaContext("golden", 60))
    assert answer == {"batchItemFailures": []}


def tick(function: Any) -> None:
    event = {"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}
    more = {"account": "1", "region": "x", "resources": [], "version": "0", "id": "1", "time": "x"}
    function(event | more, LambdaContext("golden", 60))


def stream(account_id: str) -> None:
    keys = {"pk": {"S": f"ACCOUNT#{account_id}"}, "sk": {"S": "ACCOUNT"}}
    record = {"eventName": "MODIFY", "dynamodb": {"Keys": keys, "SequenceNumber": "1"}}
    assert carry_out({"Records": [record]}, LambdaContext("golden", 60)) == {
        "batchItemFailures": []
    }


def swept(system: System) -> Any:
    tick(sweep_due)
    return {"act queue": system.place.act_queue.waiting}


def acted(system: System) -> Any:
    call(act_on_accounts, *GIVEN["act queue"]["due"])
    mails = system.body()["mails"]
    return {"mail queue": system.place.mail_queue.waiting, "mails": mails}


def carried_out(system: System) -> Any:
    stream("acc_golden")
    return {
        "timeline": system.timeline(),
        "mail queue": system.place.mail_queue.waiting,
        "outbox left": "outbox" in system.place.accounts.items["acc_golden"],
    }


def sent(system: System) -> Any:
    """A message to the customer, a notice to the team and a digest, as they waited."""
    call(act_on_accounts, *GIVEN["act queue"]["due"])
    system.place.now.at += timedelta(days=1)
    for message in GIVEN["mail queue"]:
        call(send_mails, message)
    return {
        "letters": [[one.recipient, one.tags, one.headers] for one in system.letters],
        "claims": sorted(f"{owner} {key}" for owner, key in system.claims.kept),
        "timeline": [line for line in system.timeline() if " mail " in line],
    }


def passed(system: System) -> Any:
    """The account was due for longer than its messages apply."""
    system.place.now.at += timedelta(days=9)
    call(act_on_accounts, *GIVEN["act queue"]["due"])
    mails = system.body()["mails"]
    return {"timeline": [one for one in system.timeline() if " mail " in one], "mails": mails}


def digests_handed_out(system: System) -> Any:
    system.place.now.at += timedelta(days=1)
    enqueue_digests(system.place.services)
    return {"mail queue": system.place.mail_queue.waiting}


def handed_in(system: System) -> Any:
    """What a form hands in. The id is the one thing that differs each time."""
    wish = SignupRequest(
        *("ada@example.com", "pro", "month", "Ada", "user-1", "Europe/Vienna", "pricing"),
        *({"team": "blue"}, "eur"),
    )
    enqueue_signup(wish, True, system.place.services)
    enqueue_sign_in("ada@example.com", system.place.services)
    written = system.place.act_queue.waiting
    return json.loads(re.sub(r"acc_[0-9a-f]{20}", "acc_new", json.dumps(written)))


def signed_up(system: System) -> Any:
    call(act_on_accounts, *GIVEN["act queue"]["sign up"])
    return {name: system.body("acc_new")[name] for name in ("profile", "signup")}


def signed_in(system: System) -> Any:
    call(act_on_accounts, *GIVEN["act queue"]["sign in"])
    call(act_on_accounts, *GIVEN["act queue"]["due"])
    return {
        "asked": system.body()["sign_in_asked_at"],
        "mail queue": [one for one in system.place.mail_queue.waiting if "key" in one],
    }


def events_processed(system: System) -> Any:
    system.place.stripe.reader.charge = lambda id: StripeCharge(id, "cus_1")
    call(process_events, *GIVEN["events queue"])
    return {
        "timeline": [line for line in system.timeline() if " stripe " in line],
        "dead letters": [
            [body, sorted(attributes), attributes["code"]]
            for body, attributes in system.place.dead_letters.messages
        ],
        "disputes": system.body()["disputes"],
        "work": sorted(system.body()["errands"]),
    }


class Functions:
    """Stands in for Lambda."""

    def invoke(self, FunctionName: str, InvocationType: str, Payload: bytes) -> None:
        take_feedback(json.loads(Payload), LambdaContext("golden", 60))


def feedback_taken(system: System) -> Any:
    call(act_on_accounts, *GIVEN["act queue"]["due"])
    records = [
        {"Sns": {"Message": json.dumps(one), "MessageId": "1", **MORE}} for one in GIVEN["feedback"]
    ]
    # A release before took it from a topic, which goes with the deployment: what the topic delivers
    # meanwhile becomes a dead letter, and is redriven.
    body = json.dumps({"Records": records})
    letter = DeadLetter("1", system.place.now.at, "feedback", "", "", "failed", "", body, "")
    start = feedback_function("TakeFeedback", Functions())
    senders_to({}, Mock(), start)["feedback"](letter)
    return {
        "timeline": [line for line in system.timeline() if " mail " in line],
        "suppressed": system.suppressed,
        "mails": system.body()["mails"],
    }


STORIES: dict[str, Callable[[System], Any]] = {
    "the sweep": swept,
    "a due account": acted,
    "an outbox": carried_out,
    "messages to be sent": sent,
    "a message too late": passed,
    "digests": digests_handed_out,
    "what forms hand in": handed_in,
    "a signup handed in": signed_up,
    "a sign-in handed in": signed_in,
    "events of Stripe": events_processed,
    "feedback of SES": feedback_taken,
}


def opened(value: Any) -> Any:
    """The same with each JSON text in it read: the white space of a message does not matter."""
    match value:
        case dict():
            return {name: opened(one) for name, one in value.items()}
        case list() | tuple():
            return [opened(one) for one in value]
        case str() if value.startswith("{"):
            return json.loads(value)
        case str() if value.startswith("acc") and value.endswith("}"):
            head, brace, body = value.partition("{")
            return [head, json.loads(brace + body)]
    return value


@pytest.mark.parametrize("story", STORIES)
def test_what_an_older_release_left_is_carried_on(story: str, system: System) -> None:
    given = EXPECTED[story]
    if "timeline" in given:
        given = given | {"timeline": sorted(given["timeline"])}
    expected = opened(given)
    assert without_additions(opened(STORIES[story](system)), expected) == expected


def test_every_story_is_pinned() -> None:
    assert EXPECTED.keys() == STORIES.keys()


@pytest.mark.parametrize("ways", [list, lambda events: events[::-1]], ids=["as is", "reversed"])
@pytest.mark.parametrize("what", GIVEN["ties"])
def test_a_tie_within_a_second_is_broken_the_same_way(
    what: str, ways: Callable[[Any], Any], system: System
) -> None:
    """Two states of one second: the same one stays, whichever comes first."""
    call(process_events, *ways(GIVEN["ties"][what]["events"]))
    value = system.body()["invoices" if what.startswith("invoice") else "cards"]["x_1"]
    assert (value.get("value") or value["card"])[GIVEN["ties"][what]["field"]] == (
        GIVEN["ties"][what]["stays"]
    )
