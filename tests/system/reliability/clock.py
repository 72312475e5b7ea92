"""Use cases that the clock starts: the sweep, the agenda, messages that are due, a
changed policy."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from chalicelib.usecases.messaging.send_message import send_message
from chalicelib.usecases.schedule.process_due import process_due_account
from chalicelib.usecases.schedule.replan import replan
from chalicelib.usecases.schedule.sweep import sweep
from chalicelib.usecases.services import Services
from tests.fakes.faults import OutsideCalls
from tests.fakes.lifecycles import ACCOUNT, DAY, START, Life
from tests.fakes.services import FakeServices
from tests.fakes.simulated_lifecycles import BEGIN, SimLife
from tests.system.reliability.run import Less, UseCase
from tests.unit.usecases.schedule.test_replan import peopled

HOURS = timedelta(hours=3)
"""So long the clock goes on in a next run: longer than any first wait of the agenda's."""


def until_later(place: FakeServices, services: Services, time: timedelta = HOURS) -> None:
    """Act on what falls due, each at its moment, for so long."""
    end = place.now.at + time
    for _ in range(200):
        dues = [
            (account.due_at, id)
            for id in place.accounts.items
            if (account := place.accounts.load(id)) and account.due_at
        ]
        if not dues or min(dues)[0] > end:
            break
        due_at, id = min(dues)
        place.now.at = max(place.now.at, due_at)
        process_due_account(id, services)
        if place.accounts.load(id).due_at == due_at:
            place.now.at += timedelta(minutes=1)
    place.now.at = max(place.now.at, end)


def told_of(place: FakeServices) -> Any:
    """What the timeline tells. A happening's id says how many writes came before it, which a repeat
    has more of.
    """
    return sorted(
        (entry.kind, "" if entry.kind == "happening" else entry.id, entry.type)
        for entry in place.timeline.entries.values()
    )


def due_life() -> Life:
    """Twelve days into a trial of which nothing was done yet: messages that were missed, and one
    that is due.
    """
    life = Life().begins()
    life.now.at = START + 12.2 * DAY
    return life


def with_mail(stream: str) -> Life:
    """A message of that stream waits in the queue."""
    life = Life().begins("pm_1" if stream == "billing" else None)
    life.now.at = START + timedelta(minutes=1)
    if stream == "billing":
        life.days(1)
        while not life.place.mail_queue.waiting:
            assert life.account.due_at
            life.now.at = life.account.due_at
            process_due_account(ACCOUNT, life.place.services)
    else:
        process_due_account(ACCOUNT, life.place.services)
    return life


def hand_out(life: Life, calls: OutsideCalls) -> None:
    sweep(calls.watch(life.place.services))


def act(life: Life, calls: OutsideCalls) -> None:
    process_due_account(ACCOUNT, calls.watch(life.place.services))


def act_on(life: Life, calls: OutsideCalls) -> None:
    act(life, calls)
    until_later(life.place, calls.watch(life.place.services), timedelta(hours=1))


def send(life: Life, calls: OutsideCalls) -> None:
    life.calls = calls
    post = replace(
        life.post,
        suppressed=lambda email, stream: calls.call(
            "suppressions.holds", life.suppressed.__contains__, email
        ),
    )
    for work in list(life.place.mail_queue.waiting):
        send_message(work["account_id"], work["key"], life.services, post)
        life.place.mail_queue.waiting.remove(work)


def send_again(life: Life, calls: OutsideCalls) -> None:
    """For an hour: the queue brings the message again, SES tells what it took, the agenda looks
    after what is unclear.
    """
    for _ in range(8):
        life.settle()
        send(life, calls)
        until_later(life.place, calls.watch(life.place.services), timedelta(minutes=10))


def end_of_act(life: Life) -> Any:
    mails = {key: mailed.outcome for key, mailed in life.account.mails.items()}
    told = told_of(life.place)
    queued = {(work["account_id"], work["key"]) for work in life.place.mail_queue.waiting}
    return mails, told, queued, life.account.outbox, life.account.failures


def end_of_mail(life: Life) -> Any:
    mails = {
        key: mailed.outcome
        for key, mailed in life.account.mails.items()
        if mailed.outcome != "passed"
    }
    return life.steps, mails, len(life.place.mail_queue.waiting)


def unsent(end: Any) -> bool:
    """Not sent, never sent later, and written down as unclear."""
    steps, mails, waiting = end
    return steps == [] and set(mails.values()) == {"unclear"} and not waiting


def owing() -> SimLife:
    """A trial with a card that has ended at Stripe, of which no news has come."""
    life = SimLife()
    life.sign_up()
    life.hear()
    life.completes(session := life.opens())
    life.returns(session)
    life.hear()
    until_later(life.place, life.place.services, BEGIN + timedelta(days=13) - life.place.now.at)
    life.place.now.at = BEGIN + timedelta(days=14, hours=3)
    life.stage.advance(int(life.place.now.at.timestamp()))
    return life


def ask_for_news(life: SimLife, calls: OutsideCalls) -> None:
    life.calls = calls
    process_due_account(life.account_id, life.services)


def ask_on(life: SimLife, calls: OutsideCalls) -> None:
    ask_for_news(life, calls)
    until_later(life.place, life.services, timedelta(hours=12))


def end_of_news(life: SimLife) -> Any:
    statuses = sorted(known.value.status for known in life.account.subscriptions.values())
    invoices = sorted(billed.value.status for billed in life.account.invoices.values())
    return life.stands(), statuses, invoices, life.account.asks, life.account.outbox


def plan(place: FakeServices, calls: OutsideCalls) -> None:
    replan(calls.watch(place.services))


def plan_on(place: FakeServices, calls: OutsideCalls) -> None:
    for _ in range(10):
        replan(calls.watch(place.services))


def end_of_walk(place: FakeServices) -> Any:
    found = {id: place.accounts.load(id) for id in sorted(place.accounts.items)}
    return {
        id: (account.policy, account.version) for id, account in found.items()
    }, place.replan_states.walk and place.replan_states.walk.done


USE_CASES = (
    UseCase(
        "Sweep",
        "a minute later",
        due_life,
        hand_out,
        hand_out,
        lambda life: {work["account_id"] for work in life.place.act_queue.waiting},
        clock=lambda life: life.now,
    ),
    UseCase(
        "Process a due account",
        "SQS delivers it again, to publish what happened; it stays due, or falls due half an hour"
        " later for the messages that it queued: the next sweep",
        due_life,
        act,
        act_on,
        end_of_act,
        clock=lambda life: life.now,
    ),
    UseCase(
        "Fetch expected updates",
        "the schedule fetches again",
        owing,
        ask_for_news,
        ask_on,
        end_of_news,
        clock=lambda life: life.place.now,
        stripe_faults=lambda life: life.stage.api.faults,
    ),
    UseCase(
        "Send a lifecycle message",
        "SQS delivers it again; the schedule checks a quarter of an hour later, and SES's"
        " own event says what it took",
        lambda: with_mail("lifecycle"),
        send,
        send_again,
        end_of_mail,
        less=(
            Less(
                "unsent",
                "SES may have it, and cannot be asked: lifecycle mail is sent at most once, so this"
                " message is not sent, and its outcome is `unclear`",
                unsent,
            ),
        ),
        clock=lambda life: life.now,
    ),
    UseCase(
        "Send a billing notice",
        "SQS delivers it again; the schedule checks a quarter of an hour later, and SES's"
        " own event says what it took",
        lambda: with_mail("billing"),
        send,
        send_again,
        end_of_mail,
        clock=lambda life: life.now,
    ),
    UseCase(
        "Reschedule after a policy change",
        "the next minute continues the scan",
        lambda: peopled(5),
        plan,
        plan_on,
        end_of_walk,
    ),
)
