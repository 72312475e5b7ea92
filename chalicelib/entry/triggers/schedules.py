"""What the clock starts."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.telemetry import entrypoint, failure_of, logger
from chalicelib.usecases.messaging.notify_team import enqueue_digests
from chalicelib.usecases.reconciliation.backfill import backfill_events
from chalicelib.usecases.reconciliation.reconcile import reconcile
from chalicelib.usecases.schedule.replan import replan
from chalicelib.usecases.schedule.sweep import sweep

bp = Blueprint(__name__)


@bp.schedule("rate(1 minute)")
@entrypoint
def sweep_due(event: Any) -> None:
    """Hands out what is due, then walks on under a changed policy; what one run leaves, or fails to
    do, the next one finds.
    """
    services = wiring.services()
    handed_out = sweep(services)
    replanned = replan(services)
    if handed_out or replanned:
        logger.info("The clock went on", extra={"handed_out": handed_out, "replanned": replanned})


@bp.schedule("rate(1 hour)")
@entrypoint
def fetch_events(event: Any) -> None:
    """Fetches the events that Stripe could not deliver, and then hands out the team's digest once
    its hour has come: nothing of a digest may keep an event waiting. What one run leaves, the next
    one goes on with.
    """
    fetched = backfill_events(wiring.services())
    if fetched.events:
        logger.info("Undelivered events were fetched", extra={"events": fetched.events})
    if fetched.failure:
        logger.warning("Fetching events was interrupted", extra=failure_of(fetched.failure))
    enqueue_digests(wiring.services())


@bp.schedule("rate(10 minutes)")
@entrypoint
def compare_with_stripe(event: Any) -> None:
    """Goes on with today's comparison, until it is done. Logs where it is, what ended this run
    early, and which accounts could not be compared.
    """
    progress = reconcile(wiring.services())
    if progress is None:
        return
    for one in progress.passed_over:
        known = {"customer": one.customer, "account_id": one.account_id}
        logger.warning("An account was not compared", extra=known | failure_of(one.failure))
    if progress.failure:
        logger.warning("A comparison was interrupted", extra=failure_of(progress.failure))
    comparison = progress.comparison
    logger.info(
        "A comparison with Stripe went on",
        extra={
            "began": comparison.began,
            "phase": comparison.phase,
            "listed": comparison.listed,
            "ended_at": comparison.ended_at,
            "healed": comparison.healed,
            "left": comparison.left,
        },
    )
