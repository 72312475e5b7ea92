"""What the functions share in the local system: the services of the deployed ones, watched."""

import time
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from chalicelib.outreach.check import check_messages
from local.aws.progress import Progress
from local.aws.resources import Resources

if TYPE_CHECKING:
    from local.control_room.mailbox import Mailbox
    from local.control_room.sent_requests import Outgoing

LONGEST_PAUSE_SECONDS = 0.01
"""How long a function waits at most where it would wait longer on AWS: for Stripe's rate limit,
which the simulated Stripe does not have, or for other writers.
"""


def watch_services(resources: Resources, progress: Progress, is_simulated: bool) -> None:
    """Tell the triggers of what the functions send. With the simulated Stripe, let functions pause
    for a moment only: otherwise minutes of a story are waits.
    """
    from chalicelib.runtime import wiring
    from local.aws.progress import WatchedGroupedQueue, WatchedQueue, WatchedWorkQueue

    services = wiring.services()
    queues, clock = services.queues, services.clock
    events = WatchedQueue(queues.events, resources.events_queue_url, progress)
    queues = replace(
        queues,
        events=events,
        act=WatchedWorkQueue(queues.act, resources.queue("ActQueue").ref, progress),
        mail=WatchedWorkQueue(queues.mail, resources.queue("MailQueue").ref, progress),
        deliveries=WatchedGroupedQueue(
            queues.deliveries, resources.queue("DeliveriesQueue").ref, progress
        ),
    )
    if is_simulated:
        clock = replace(
            clock, pause=lambda seconds: time.sleep(min(seconds, LONGEST_PAUSE_SECONDS))
        )
    services = replace(services, queues=queues, clock=clock)
    wiring.services, wiring.events_queue = cache(lambda: services), cache(lambda: events)


def build_services(mailbox: "Mailbox", outgoing: "Outgoing") -> None:
    """Build what the functions share, with a mailer whose mail reaches the mailbox too. A function
    on Lambda has one thread. Here many share what is otherwise built on first use, so it is built
    now, and nothing is counted.
    """
    from chalicelib.aws.events.bus import EventBus
    from chalicelib.aws.mail.mailer import client as ses_client
    from chalicelib.aws.mail.suppressions import SesSuppressionList
    from chalicelib.runtime import telemetry, wiring
    from local.control_room.mailbox import WatchedMailer
    from local.control_room.sent_requests import (
        WatchedBus,
        WatchedCaller,
        WatchedMachines,
        WatchedPeople,
        WatchedSlack,
    )

    telemetry.metrics.add_metric = _uncounted  # type: ignore[method-assign]
    wiring.cloudwatch = NothingCounted
    wiring.services()
    wiring.events_queue()
    wiring.key_ring()
    wiring.suppressions()
    wiring.signup_guard()
    assert wiring.secrets().hash_key
    check_messages(wiring.policy())
    mail = wiring.mail_services()
    mail = replace(mail, mailer=WatchedMailer(mail.mailer, mailbox, outgoing))
    wiring.mail_services = cache(lambda: mail)
    caller = WatchedCaller(wiring.caller(), outgoing, "webhook")
    wiring.caller = cache(lambda: caller)
    slack, bus = WatchedSlack(wiring.slack_caller(), outgoing), WatchedBus(EventBus(), outgoing)
    wiring.slack_caller, wiring.event_bus = cache(lambda: slack), cache(lambda: bus)
    provisioner = WatchedCaller(wiring.instance_caller(), outgoing, "instance")
    machines = WatchedMachines(wiring.state_machines(), outgoing)
    wiring.instance_caller = cache(lambda: provisioner)
    people = WatchedPeople(wiring.people_caller(), outgoing)
    wiring.people_caller = cache(lambda: people)
    wiring.state_machines = cache(lambda: machines)
    listed = SesSuppressionList(mailbox.suppressed.attach(ses_client()))
    wiring.ses_suppressions = cache(lambda: listed)


def new_key(scope: str, name: str = "local") -> str:
    """A new API key of this system."""
    from chalicelib.runtime import wiring
    from chalicelib.runtime.clock import clock
    from chalicelib.usecases.accounts.api_keys import create_key

    return create_key(wiring.api_keys(), scope, name, clock.now())


class NothingCounted:
    """CloudWatch of a system that nothing counts: no statistic has a value."""

    def get_metric_statistics(self, **_: object) -> dict[str, list[object]]:
        return {"Datapoints": []}


def _uncounted(*_: object, **__: object) -> None:
    """In place of a metric."""
