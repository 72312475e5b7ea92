"""What the clock starts."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.telemetry import entrypoint, logger
from chalicelib.usecases.replan import replan
from chalicelib.usecases.sweep import sweep

bp = Blueprint(__name__)


@bp.schedule("rate(1 minute)")
@entrypoint
def sweep_due(event: Any) -> None:
    """Hands out what is due, then walks on under a changed policy; what one run leaves, or fails to do, the next one finds."""
    world = wiring.world()
    handed_out = sweep(world)
    replanned = replan(world)
    if handed_out or replanned:
        logger.info("The clock went on", extra={"handed_out": handed_out, "replanned": replanned})
