"""Use cases over the wire: the same stories and the same judgement, with real processes between."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from chalicelib.aws.accounts import Accounts
from chalicelib.aws.due_index import DueIndex
from chalicelib.aws.events.timeline import Timelines
from chalicelib.aws.mail.mailer import Mailer
from chalicelib.aws.queues import Queue, WorkQueue
from chalicelib.domain.account.facts import MessageRecorded
from chalicelib.domain.account.messages import MessageRecord
from chalicelib.domain.account.state import Account
from chalicelib.domain.schedule.versions import next_version
from chalicelib.runtime.wiring import stripe_over
from chalicelib.stripe_api.transport import StripeTransport
from chalicelib.usecases.ingestion.ingest import ingest
from chalicelib.usecases.messaging.send_message import send_message
from chalicelib.usecases.schedule.process_due import process_due_account
from chalicelib.usecases.schedule.sweep import sweep
from chalicelib.usecases.services import Services
from local.aws.resources import verify_senders
from local.client import Client
from local.stripe_sim.api.simulator import StripeSimulator
from tests.fakes.faults import OutsideCalls
from tests.fakes.lifecycles import ACCOUNT
from tests.fakes.services import POLICY, QUIET, FakeServices, at, updated
from tests.fakes.simulated_lifecycles import SimLife
from tests.fakes.stripe.sim import PRICES
from tests.system.reliability import customers
from tests.system.reliability.clock import unsent, with_mail
from tests.system.reliability.fault_proxy import (
    LASTING,
    ON_THE_WIRE,
    AwsLine,
    SesLine,
    StripeLine,
    Wire,
)
from tests.system.reliability.run import NEVER, Chosen, Found, Less, Runs, UseCase, everything
from tests.system.reliability.updates import BEGUN, CHANGED, RECORDING, Mailbag
from tests.unit.usecases.ingestion.test_ingest_recordings import messages

HASH_KEY = "hash-key-of-the-stage"


@dataclass
class WireBag(Mailbag):
    """Messages whose account, timeline and dead letters are behind the wire."""

    wire: Any = None
    table: str = ""
    dead: str = ""
    buried: set[str] = field(default_factory=set)

    @property
    def services(self) -> Services:
        services = self.place.services
        stores = replace(
            services.stores,
            accounts=Accounts(self.table, lambda: HASH_KEY, self.wire.dynamodb),
            timeline=Timelines(self.table, self.wire.dynamodb),
        )
        dead_letters = Queue(self.dead, self.wire.sqs)
        return replace(
            services, stores=stores, queues=replace(services.queues, dead_letters=dead_letters)
        )

    def work(self, calls: OutsideCalls) -> None:
        outcomes = ingest(self.waiting, self.services)
        back = {outcome.message for outcome in outcomes if outcome.effect == "retry"}
        self.waiting = [message for message in self.waiting if message.id in back]

    def end(self) -> Any:
        beside = self.wire.beside("dynamodb")
        account = Accounts(self.table, lambda: HASH_KEY, beside).load("acct_demo")
        items = beside.scan(TableName=self.table, ConsistentRead=True)["Items"]
        self.buried |= self.wire.inside(self.dead)
        kept = sorted((item["pk"]["S"], item["sk"]["S"]) for item in items)
        return account and updated(account), kept, set(self.buried), len(self.waiting)


def _news(wire: Wire) -> WireBag:
    bag = WireBag(FakeServices(), wire=wire, table=wire.table(), dead=wire.queue())
    bag.arrives(0, BEGUN)
    bag.work(OutsideCalls())
    assert not bag.waiting
    bag.arrives(BEGUN, CHANGED)
    bag.waiting = [
        replace(messages(RECORDING.events[:1])[0], id="broken", body="{broken"),
        *bag.waiting,
    ]
    return bag


def _strangers(wire: Wire) -> WireBag:
    bag = WireBag(FakeServices(), wire=wire, table=wire.table(), dead=wire.queue())
    bag.arrives(0, BEGUN)
    return bag


@dataclass
class Due:
    """An account that is due, in a table behind the wire, and the queue to which it
    is handed out."""

    wire: Wire
    place: FakeServices = field(default_factory=FakeServices)
    handed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.table, self.url = self.wire.table(), self.wire.queue()
        new = Account("acc_1")
        account = replace(
            next_version(new, new, QUIET, self.place.now.at), due_at=self.place.now.at
        )
        Accounts(self.table, lambda: HASH_KEY, self.wire.beside("dynamodb")).save(new, account)
        self.place.now.at += timedelta(minutes=1)

    def work(self, calls: OutsideCalls) -> None:
        services = self.place.services
        due_index = DueIndex(self.table, self.wire.dynamodb)
        sweep(
            replace(
                services,
                stores=replace(services.stores, due_index=due_index),
                queues=replace(services.queues, act=WorkQueue(self.url, self.wire.sqs)),
            )
        )

    def end(self) -> Any:
        self.handed |= self.wire.inside(self.url)
        return set(self.handed)


class Posting:
    """A message that waits, and SES behind the wire."""

    def __init__(self, wire: Wire, line: SesLine, stream: str) -> None:
        self.wire, self.life = wire, with_mail(stream)
        self.inbox = Client(wire.emulator.endpoint)
        self.before = len(self._all())
        seconds = lambda: self.life.now.at.timestamp()  # noqa: E731
        self.mailer = Mailer(None, pause=self._pause, seconds=seconds, ses=line.ses)

    def _pause(self, seconds: float) -> None:
        self.life.now.at += timedelta(seconds=seconds)

    def _all(self) -> list[Any]:
        return [
            one
            for some in self.inbox.call("GET", "/_ministack/ses/messages")[1]["messages"].values()
            for one in some
        ]

    @property
    def arrived(self) -> int:
        return len(self._all()) - self.before

    def work(self, calls: OutsideCalls) -> None:
        life = self.life
        post = replace(life.post, mailer=self.mailer, claims=life.claims)
        for work in list(life.place.mail_queue.waiting):
            send_message(work["account_id"], work["key"], life.place.services, post)
            life.place.mail_queue.waiting.remove(work)

    def again(self, calls: OutsideCalls) -> None:
        """For an hour: what SES has, its event tells; the queue brings the message again; the
        agenda looks after what is unclear.
        """
        for _ in range(8):
            self._settle()
            self.work(calls)
            self.life.now.at += timedelta(minutes=10)
            process_due_account(ACCOUNT, self.life.place.services)

    def _settle(self) -> None:
        for (account, key), claim in self.life.claims.kept.items():
            if claim.state == "sending" and self.arrived:
                self.life.claims.confirm(claim, "by event")
                self.life.tell(
                    MessageRecorded(
                        key,
                        MessageRecord(
                            "sent", self.life.now.at, self.life.account.mails[key].stream
                        ),
                    )
                )
                assert account == ACCOUNT

    def end(self) -> Any:
        mails = {
            key: mailed.outcome
            for key, mailed in self.life.account.mails.items()
            if mailed.outcome != "passed"
        }
        return ["arrived"] * self.arrived, mails, len(self.life.place.mail_queue.waiting)


class HttpLife(SimLife):
    """A life whose Stripe is reached over HTTP, by the SDK."""

    simulator: StripeSimulator

    def __post_init__(self) -> None:
        super().__post_init__()
        self.simulator = StripeSimulator(lambda: at(self.stage.second))
        self.simulator.register(PRICES)
        self.simulator.start()
        self.stage.engine, self.stage.api = self.simulator.engine, self.simulator.api
        transport = StripeTransport(lambda: "sk_test_1", self.simulator.base)
        self.place.stripe = stripe_over(transport)


def _to_change_his_mind() -> HttpLife:
    life = HttpLife()
    life.sign_up()
    life.hear()
    life.stage.call("DELETE", f"/v1/subscriptions/{life.only('subscription')['id']}")
    life.hear()
    life.opens("pro")
    return life


UNSENT = Less(
    "unsent",
    "SES may have it, and cannot be asked: a lifecycle message is sent at most once",
    unsent,
)


def _refused(end: Any) -> bool:
    arrived, mails, waiting = end
    return arrived == [] and "refused" in mails.values() and not waiting


REFUSED = Less(
    "refused", "SES will not send it, and it is not tried again; the timeline shows it", _refused
)


Made = tuple[UseCase, Any]
AGAIN = "SQS delivers the messages again"
MAIL_AGAIN = (
    "SQS delivers it again; SES's own event says what it took; the schedule checks what is unclear"
)
CLICKS = "the customer gets a 503 and clicks again"


def _mail(wire: Wire, stream: str, less: tuple[Less, ...]) -> Made:
    verify_senders(wire.emulator.endpoint, POLICY.mail.senders.values() if POLICY.mail else ())
    line = SesLine(wire)
    return (
        UseCase(
            "",
            MAIL_AGAIN,
            lambda: Posting(wire, line, stream),
            Posting.work,
            Posting.again,
            Posting.end,
            less=less,
        ),
        line,
    )


def _stripe(begin: Callable[[], HttpLife], next_run: str, run: Any, again: Any) -> Made:
    return (
        UseCase(
            "",
            next_run,
            begin,
            run,
            again,
            customers.end_of_life,
            close=lambda life: life.simulator.close(),
        ),
        StripeLine(),
    )


CASES: dict[str, Callable[[Wire], Made]] = {
    "adopt a customer from Stripe's events": lambda wire: (
        UseCase("", AGAIN, lambda: _strangers(wire), WireBag.work, WireBag.work, WireBag.end),
        AwsLine(wire),
    ),
    "ingest Stripe's events": lambda wire: (
        UseCase("", AGAIN, lambda: _news(wire), WireBag.work, WireBag.work, WireBag.end),
        AwsLine(wire),
    ),
    "sweep": lambda wire: (
        UseCase("", "a minute later", lambda: Due(wire), Due.work, Due.work, Due.end),
        AwsLine(wire),
    ),
    "send a lifecycle message": lambda wire: _mail(wire, "lifecycle", (UNSENT, REFUSED)),
    "send a billing notice": lambda wire: _mail(wire, "billing", (REFUSED,)),
    "sign up": lambda wire: _stripe(
        HttpLife, customers.AGENDA_OR_VISITOR, customers.sign_up, customers.sign_up_again
    ),
    "open a Checkout that replaces another": lambda wire: _stripe(
        _to_change_his_mind, CLICKS, customers.open_checkout, customers.click_again
    ),
}
NAMES = {f"Over the wire: {name}": name for name in CASES}


def examined_over(name: str, wire: Wire, chosen: Chosen = everything) -> Found:
    """Run a use case with each chosen fault of its line at the first call of each name. Raises
    Broken.
    """
    made, line = CASES[NAMES[name]](wire)
    runs = Runs(replace(made, name=name))
    with runs.beginning() as story, line.watching(story) as calls:
        runs.whole(story, OutsideCalls())
    cells: dict[str, dict[str, str]] = {}
    for call in dict.fromkeys(calls):
        if met := {
            fault: outcome
            for fault in ON_THE_WIRE
            if chosen(call, fault) and (outcome := _outcome(runs, line, fault, call))
        }:
            cells[call] = met
    faults = [fault for fault in ON_THE_WIRE if any(fault in found for found in cells.values())]
    table = {call: {fault: cells[call].get(fault, NEVER) for fault in faults} for call in cells}
    return Found(name, made.next_run, table, made.less, runs.number)


def _outcome(runs: Runs, line: Any, fault: str, call: str) -> str | None:
    with runs.beginning() as story:
        fired = line.arm(fault, call, story)
        if fired is None:
            return None
        return runs.played(
            f"{fault} at {call}",
            story,
            OutsideCalls(),
            fired,
            lambda: line.lift(story),
            fault == LASTING,
        )
