"""Use cases of what is written to many and to the team, and of the answer to a question that was
mailed.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from chalicelib.domain.account.state import Account
from chalicelib.domain.schedule.versions import next_version
from chalicelib.usecases.billing.cancellation import give_feedback
from chalicelib.usecases.messaging.notify_team import enqueue_digests
from ops.mail.broadcast.recipients import Aim, listed
from ops.mail.broadcast.sending import pages, record_broadcast
from tests.fakes.faults import OutsideCalls
from tests.fakes.lifecycles import ACCOUNT, START, Life
from tests.fakes.services import POLICY, FakeServices
from tests.system.reliability.run import Less, UseCase
from tests.system.reliability.team import AGAIN
from tests.unit.usecases.messaging.test_notify_team import Team

AIM = Aim("spring", "everyone")


def answer(life: Life, calls: OutsideCalls) -> None:
    services = calls.watch(life.place.services)
    give_feedback(
        services.stores.accounts.load(ACCOUNT),
        "trial",
        "too_expensive",
        "Too dear for us.",
        services,
    )


def end_of_answer(life: Life) -> Any:
    told = sorted(one.type for one in life.account.outbox)
    return {
        occasion: (given.answer, given.comment) for occasion, given in life.account.feedback.items()
    }, told


def customers() -> FakeServices:
    """Two who can be written to, and one who cannot."""
    place = FakeServices(policy=POLICY)
    for id, email in (("acc_1", "ada@example.com"), ("acc_2", "bob@example.com"), ("acc_3", "")):
        old = Account(id)
        place.accounts.save(
            old,
            next_version(
                old, replace(old, profile=replace(old.profile, email=email)), POLICY, place.now.at
            ),
        )
    return place


def broadcast(place: FakeServices, calls: OutsideCalls) -> None:
    services = calls.watch(place.services)
    ids = listed(pages(services), AIM, services.policy, services.clock.now(), lambda ids: set()).ids
    place.metrics["Failed"] = sum(
        outcome == "failed" for _, outcome in record_broadcast(ids, AIM, "welcome", services)
    )


def end_of_broadcast(place: FakeServices) -> Any:
    return {
        id: sorted(account.broadcasts)
        for id in sorted(place.accounts.items)
        if (account := place.accounts.load(id))
    }


def with_notice() -> Team:
    """A trial has begun; the notice of it to a team of two waits in the queue."""
    team = Team().lives("never returns", 1)
    assert team.queue.team
    return team


def before_the_digest() -> Team:
    team = Team().lives("never returns", 1)
    team.queue.team.clear()
    team.life.now.at = START + timedelta(days=1)
    return team


def send(team: Team, calls: OutsideCalls) -> None:
    """As the queue brings it: what failed comes again."""
    team.life.calls = calls
    for work in list(team.queue.team):
        team.send(work)
        team.queue.team.remove(work)


def hand_out(team: Team, calls: OutsideCalls) -> None:
    team.life.calls = calls
    enqueue_digests(team.services)
    send(team, calls)


def end_of_team(team: Team) -> Any:
    return sorted((letter.recipient, letter.subject) for letter in team.mailer.sent), len(
        team.queue.team
    )


def unsent(end: Any) -> bool:
    """To one of the two at most: the other's letter is sent, and nothing waits."""
    sent, waiting = end
    return len(sent) == 1 and not waiting


def _unsent(told_too: str) -> Less:
    return Less(
        "unsent",
        "SES may have it, and cannot be asked: mail to the team is sent at most once, and"
        f" {told_too} too",
        unsent,
    )


USE_CASES = (
    UseCase(
        "Answer why a customer left",
        "the customer gets a 503 and sends the form again",
        lambda: Life().begins(),
        answer,
        answer,
        end_of_answer,
        clock=lambda life: life.now,
    ),
    UseCase(
        "Request a broadcast",
        AGAIN,
        customers,
        broadcast,
        broadcast,
        end_of_broadcast,
        clock=lambda place: place.now,
    ),
    UseCase(
        "Send a notice to the team",
        "SQS delivers it again",
        with_notice,
        send,
        send,
        end_of_team,
        less=(_unsent("the timeline and the digest show it"),),
        clock=lambda team: team.life.now,
    ),
    UseCase(
        "Queue and send the day's digest",
        "the next run queues it; SQS delivers it again",
        before_the_digest,
        hand_out,
        hand_out,
        end_of_team,
        less=(_unsent("the timelines show it"),),
        clock=lambda team: team.life.now,
    ),
)
