"""Pages, and what anyone may ask."""

from chalice.app import Blueprint

bp = Blueprint(__name__)


@bp.route("/healthz", methods=["GET"])
def show_health() -> dict[str, str]:
    """The function answers."""
    return {"status": "ok"}
