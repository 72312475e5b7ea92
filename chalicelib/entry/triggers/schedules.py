"""The functions that EventBridge starts on a schedule."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.invocation import entrypoint, tell_log
from chalicelib.runtime.settings import settings
from chalicelib.runtime.telemetry import failure_of, flush, logger, measure
from chalicelib.usecases.figures.close import close_figures
from chalicelib.usecases.figures.exports.nightly import export_night
from chalicelib.usecases.messaging.notify_team import enqueue_digests
from chalicelib.usecases.reconciliation.backfill import backfill_events
from chalicelib.usecases.reconciliation.reconcile import reconcile
from chalicelib.usecases.reconciliation.recount import check_figures
from chalicelib.usecases.schedule.conditions import (
    conditions_to_tell,
    look_at_stage,
    mark_told,
)
from chalicelib.usecases.schedule.replan import replan
from chalicelib.usecases.schedule.sweep import sweep
from chalicelib.usecases.webhooks.sweep import sweep_deliveries

bp = Blueprint(__name__)


@bp.schedule("rate(1 minute)")
@entrypoint
def sweep_due(event: Any) -> None:
    """Queue due accounts, wake the endpoints to which something is due, continue to replan accounts
    under a changed policy, then tell the operator which conditions need a person. The next run does
    what this one leaves or fails to do.

    NeedsYou is written by each run that got so far: without it the alarm ClockStopped goes off.
    """
    services = wiring.services()
    swept = sweep(services)
    late = sweep_deliveries(services).oldest
    replanned = replan(services)
    if swept.due or replanned:
        logger.info(
            "Due accounts were queued",
            extra={
                "handed_out": swept.queued,
                "due": swept.due,
                "oldest_seconds": swept.oldest.total_seconds(),
                "replanned": replanned,
            },
        )
    conditions = conditions_to_tell(swept.oldest, services, late)
    for one in conditions:
        tell_log(one.name, one.details)
    measure("NeedsYou", len(conditions))
    flush()
    if conditions:
        mark_told(conditions, services)


@bp.schedule("rate(1 hour)")
@entrypoint
def watch_stage(event: Any) -> None:
    """Look at what AWS counts of the stage, and keep which conditions hold, for the sweep to tell
    the operator. If it is not run for three hours, the sweep tells that.
    """
    found = look_at_stage(wiring.stage_metrics(), wiring.services())
    if found:
        logger.warning("The stage needs a person", extra={"conditions": dict(found)})


@bp.schedule("rate(1 hour)")
@entrypoint
def fetch_events(event: Any) -> None:
    """Fetch the events that Stripe could not deliver, then queue the team's digest if it is due,
    close the figures of days and weeks, and go on with the weekly recount. These come last, so
    that they never delay an event. The next run continues where this one stopped.
    """
    fetched = backfill_events(wiring.services())
    if fetched.events:
        logger.info("Undelivered events were fetched", extra={"events": fetched.events})
    if fetched.failure:
        logger.warning("Fetching events was interrupted", extra=failure_of(fetched.failure))
    enqueue_digests(wiring.services())
    close_figures(wiring.services())
    check_figures(wiring.services())


@bp.schedule("rate(10 minutes)")
@entrypoint
def compare_with_stripe(event: Any) -> None:
    """Continue today's comparison with Stripe until it is done. Logs its progress, the failure that
    stopped this run, and the accounts that could not be compared.
    """
    progress = reconcile(wiring.services())
    if progress is None:
        return
    for skipped in progress.skipped:
        fields = {"customer": skipped.customer, "account_id": skipped.account_id}
        logger.warning("An account was not compared", extra=fields | failure_of(skipped.failure))
    if progress.failure:
        logger.warning("A comparison was interrupted", extra=failure_of(progress.failure))
    comparison = progress.comparison
    logger.info(
        "The comparison with Stripe continued",
        extra={
            "began": comparison.began,
            "phase": comparison.phase,
            "listed": comparison.listed,
            "ended_at": comparison.ended_at,
            "healed": comparison.healed,
            "left": comparison.left,
        },
    )


@bp.schedule("rate(10 minutes)")
@entrypoint
def export_nightly(event: Any) -> None:
    """Go on with the export of this night until it is complete. Its schedule is off unless the
    stage's setting NightlyExport is on; then there is a bucket.
    """
    bucket = settings().export_bucket
    if bucket is None:
        return
    progress = export_night(wiring.services(), wiring.export_files(bucket))
    if progress:
        logger.info(
            "The nightly export continued",
            extra={
                "night": progress.night,
                "phase": progress.phase,
                "rows": progress.rows,
                "ended_at": progress.ended_at,
            },
        )
