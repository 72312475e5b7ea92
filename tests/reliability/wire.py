"""Use cases over the wire: the same stories and the same judgement, with real processes between."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from chalicelib.aws.accounts import Accounts
from chalicelib.aws.due_index import DueIndex
from chalicelib.aws.log import Log
from chalicelib.aws.mailer import Mailer
from chalicelib.aws.queues import Queue, WorkQueue
from chalicelib.domain.account import Account, MailDone, Mailed
from chalicelib.domain.agenda import next_version
from chalicelib.runtime.wiring import stripe_over
from chalicelib.stripe_api.transport import StripeTransport
from chalicelib.usecases.act import act_on_due
from chalicelib.usecases.post_office import PostOffice
from chalicelib.usecases.send import send_message
from chalicelib.usecases.sweep import sweep
from chalicelib.usecases.take_in import take_in
from chalicelib.usecases.world import World
from local.client import Client
from local.resources import verify_senders
from local.stripe_sim.simulator import StripeSimulator
from tests.faults import OutsideCalls
from tests.local.stripe_sim.stage import PRICES
from tests.reliability import customers
from tests.reliability.clockwork import unsent, with_mail
from tests.reliability.line import LASTING, ON_THE_WIRE, AwsLine, SesLine, StripeLine, Wire
from tests.reliability.news import BEGUN, CHANGED, RECORDING, Mailbag
from tests.reliability.run import NEVER, Found, Less, Runs, UseCase
from tests.usecases.lives import ACCOUNT
from tests.usecases.sim_lives import SimLife
from tests.usecases.test_take_in_recordings import messages
from tests.worlds import POLICY, QUIET, Place, at, learnt

HASH_KEY = "hash-key-of-the-stage"


@dataclass
class WireBag(Mailbag):
    """Messages whose account, timeline and dead letters are behind the wire."""

    wire: Any = None
    table: str = ""
    dead: str = ""
    buried: set[str] = field(default_factory=set)

    @property
    def world(self) -> World:
        accounts, log = (
            Accounts(self.table, lambda: HASH_KEY, self.wire.dynamodb),
            Log(self.table, self.wire.dynamodb),
        )
        return replace(
            self.place.world,
            accounts=accounts,
            log=log,
            dead_letters=Queue(self.dead, self.wire.sqs),
        )

    def work(self, calls: OutsideCalls) -> None:
        outcomes = take_in(self.waiting, self.world)
        back = {outcome.message for outcome in outcomes if outcome.effect == "given_back"}
        self.waiting = [message for message in self.waiting if message.id in back]

    def end(self) -> Any:
        beside = self.wire.beside("dynamodb")
        account = Accounts(self.table, lambda: HASH_KEY, beside).load("acct_demo")
        items = beside.scan(TableName=self.table, ConsistentRead=True)["Items"]
        self.buried |= self.wire.inside(self.dead)
        kept = sorted((item["pk"]["S"], item["sk"]["S"]) for item in items)
        return account and learnt(account), kept, set(self.buried), len(self.waiting)


def _news(wire: Wire) -> WireBag:
    bag = WireBag(Place(), wire=wire, table=wire.table(), dead=wire.queue())
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
    bag = WireBag(Place(), wire=wire, table=wire.table(), dead=wire.queue())
    bag.arrives(0, BEGUN)
    return bag


@dataclass
class Due:
    """An account that is due, in a table behind the wire, and the queue to which it
    is handed out."""

    wire: Wire
    place: Place = field(default_factory=Place)
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
        world = self.place.world
        sweep(
            replace(
                world,
                due_index=DueIndex(self.table, self.wire.dynamodb),
                act_queue=WorkQueue(self.url, self.wire.sqs),
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
        post = PostOffice(self.mailer, life.claims, life.suppressed.__contains__, life.post.link)
        for work in list(life.place.mail_queue.waiting):
            send_message(work["account_id"], work["key"], life.place.world, post)
            life.place.mail_queue.waiting.remove(work)

    def again(self, calls: OutsideCalls) -> None:
        """For an hour: what SES has, its event tells; the queue brings the message again; the
        agenda looks after what is unclear.
        """
        for _ in range(8):
            self._settle()
            self.work(calls)
            self.life.now.at += timedelta(minutes=10)
            act_on_due(ACCOUNT, self.life.place.world)

    def _settle(self) -> None:
        for (account, key), claim in self.life.claims.kept.items():
            if claim.state == "sending" and self.arrived:
                self.life.claims.confirm(claim, "by event")
                self.life.tell(
                    MailDone(
                        key, Mailed("sent", self.life.now.at, self.life.account.mails[key].stream)
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
    "SES may have it, and nobody can ask: a lifecycle message is sent at most once",
    unsent,
)


def _refused(end: Any) -> bool:
    arrived, mails, waiting = end
    return arrived == [] and "refused" in mails.values() and not waiting


REFUSED = Less(
    "refused", "SES will not send it, and it is not tried again; the timeline tells it", _refused
)


Made = tuple[UseCase, Any]
AGAIN = "SQS brings the messages again"
MAIL_AGAIN = (
    "SQS brings it again; SES's own event tells what it took; the agenda looks after what is"
    " unclear"
)
CLICKS = "the customer is told 503, and clicks again"


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
    "adopt a customer by Stripe's events": lambda wire: (
        UseCase("", AGAIN, lambda: _strangers(wire), WireBag.work, WireBag.work, WireBag.end),
        AwsLine(wire),
    ),
    "take in Stripe's events": lambda wire: (
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
    "open a Checkout in place of another": lambda wire: _stripe(
        _to_change_his_mind, CLICKS, customers.open_checkout, customers.click_again
    ),
}
NAMES = {f"Over the wire: {name}": name for name in CASES}


def examined_over(name: str, wire: Wire) -> Found:
    """Run a use case with each fault of its line at the first call of each name. Raises Broken."""
    made, line = CASES[NAMES[name]](wire)
    runs = Runs(replace(made, name=name))
    with runs.beginning() as story, line.watching(story) as calls:
        runs.whole(story, OutsideCalls())
    cells: dict[str, dict[str, str]] = {}
    for call in dict.fromkeys(calls):
        if met := {
            fault: outcome
            for fault in ON_THE_WIRE
            if (outcome := _outcome(runs, line, fault, call))
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
