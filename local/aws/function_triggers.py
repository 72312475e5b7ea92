"""Every function that is no route, with what calls it: stream, schedules, bus and queues."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from local.aws.progress import Progress
from local.aws.resources import Resources
from local.aws.schedules import ScheduleTrigger
from local.aws.ses_bus import BusTrigger
from local.aws.table_stream import StreamTrigger
from local.aws.triggers import Function, QueueTrigger, Source, Trigger

HOUR = timedelta(hours=1)
EVENTS_WORKERS, ACT_WORKERS, MAIL_WORKERS = 4, 2, 2
DELIVERY_WORKERS = 4
"""On AWS one for each endpoint. Here this many receivers may hang before others wait for them."""


@dataclass(frozen=True, slots=True)
class Triggers:
    """What calls the functions. `sweep` runs every minute, `watch` and `schedules` every hour."""

    stream: StreamTrigger
    sweep: ScheduleTrigger
    watch: ScheduleTrigger
    schedules: tuple[ScheduleTrigger, ...]
    ses_bus: BusTrigger
    workers: tuple[QueueTrigger, ...]

    def all(self) -> list[Trigger]:
        """Each of them."""
        return [self.stream, self.watch, self.sweep, *self.schedules, self.ses_bus, *self.workers]


def function_triggers(
    endpoint: str,
    resources: Resources,
    stopping: threading.Event,
    progress: Progress,
    around: Callable[[str, Function], Function],
    gather: Callable[[], object],
) -> Triggers:
    """The triggers of all functions, not yet started. `around` wraps each function, given its
    logical id; `gather` returns once no more of Stripe's events are on their way. Loads the
    functions, which read the environment.
    """
    from chalicelib.entry.triggers.act_queue import act_on_accounts
    from chalicelib.entry.triggers.deliveries_queue import deliver_events
    from chalicelib.entry.triggers.events_queue import process_events
    from chalicelib.entry.triggers.mail_queue import send_mails
    from chalicelib.entry.triggers.schedules import (
        compare_with_stripe,
        export_nightly,
        fetch_events,
        sweep_due,
        watch_stage,
    )
    from chalicelib.entry.triggers.ses_feedback import take_feedback
    from chalicelib.entry.triggers.table_stream import carry_out
    from chalicelib.runtime.settings import settings

    process = around("ProcessEvents", process_events)
    act = around("ActOnAccounts", act_on_accounts)
    send = around("SendMails", send_mails)
    deliver = around("DeliverEvents", deliver_events)
    carry = around("CarryOut", carry_out)
    sweep = around("SweepDue", sweep_due)
    watch = around("WatchStage", watch_stage)
    fetch = around("FetchEvents", fetch_events)
    compare = around("CompareWithStripe", compare_with_stripe)
    export = around("ExportNightly", export_nightly)
    nightly = ScheduleTrigger("export", stopping, export, "export_nightly", HOUR)
    feedback = around("TakeFeedback", take_feedback)
    sources = (
        (
            Source(resources.queue("EventsQueue"), process, "process_events", gather=gather),
            EVENTS_WORKERS,
        ),
        (Source(resources.queue("ActQueue"), act, "act_on_accounts", 10), ACT_WORKERS),
        (Source(resources.queue("MailQueue"), send, "send_mails", 1), MAIL_WORKERS),
        (
            Source(resources.queue("DeliveriesQueue"), deliver, "deliver_events", 1, grouped=True),
            DELIVERY_WORKERS,
        ),
    )
    return Triggers(
        StreamTrigger("stream", stopping, endpoint, resources, carry, "carry_out", progress),
        ScheduleTrigger("sweep", stopping, sweep, "sweep_due"),
        ScheduleTrigger("watch", stopping, watch, "watch_stage", HOUR),
        (
            ScheduleTrigger("fetch", stopping, fetch, "fetch_events", HOUR),
            # On AWS it runs every ten minutes. Here one run makes a whole day's comparison.
            ScheduleTrigger("compare", stopping, compare, "compare_with_stripe", HOUR),
            *([nightly] if settings().export_bucket else []),
        ),
        BusTrigger("feedback", stopping, feedback, "take_feedback", progress),
        tuple(
            QueueTrigger(f"{source.function_name}-{number}", stopping, endpoint, source, progress)
            for source, workers in sources
            for number in range(workers)
        ),
    )
