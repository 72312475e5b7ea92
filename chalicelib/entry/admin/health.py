"""The queues of the stage, what went to the dead letters, and its replay."""

from collections.abc import Mapping, Sequence
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.domain.changes.dead_letters import DeadLetter
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.schedule.watch.open_conditions import OpenConditions
from chalicelib.domain.security.dashboard import Operator
from chalicelib.entry.admin.forms import require_confirmation
from chalicelib.entry.admin.responses import admin_page, redirect_to
from chalicelib.entry.admin.session import form_of, page, query_of
from chalicelib.entry.http.responses import source_address
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.operators.audit import Act
from chalicelib.usecases.operators.dead_letters.handling import FAILED, looking
from chalicelib.usecases.operators.dead_letters.replay import SHOWN, chosen, replay

bp = Blueprint(__name__)

PATH = "/admin/health"

NOTED = 20
"""How many letters an entry of the audit log names."""


@page(bp, PATH)
def show_health(operator: Operator) -> Response:
    """Show what needs a person, how full each queue is, and the dead letters without payloads."""
    return _health_page(operator)


def _health_page(
    operator: Operator, error: InvalidInput | None = None, given: Mapping[str, str] | None = None
) -> Response:
    """The page. After a replay that was refused: with the error at its form, which keeps what was
    given.
    """
    from chalicelib.pages.admin.conditions import open_now
    from chalicelib.pages.admin.health import letters_view, queues_view, replayed

    now = clock.now()
    states = wiring.queue_states().read(now)
    dead = next(one.waiting for one in states if one.name == "dead_letters")
    letters: Sequence[DeadLetter] = ()
    if dead:  # to look into an empty queue takes SQS a second
        with looking(wiring.dead_letters(), min(dead, SHOWN)) as found:
            letters = found
    return admin_page(
        operator,
        "health",
        400 if error else 200,
        conditions=open_now(wiring.services().stores.job_states.load(OpenConditions)),
        queues=queues_view(states, letters, now),
        groups=letters_view(letters, now),
        more=max(0, dead - len(letters)),
        done=replayed(query_of(bp.current_request, "sent", "failed")),
        error=error,
        given=given or {},
    )


@page(bp, f"{PATH}/replay", "POST", acts=True)
def replay_letters(operator: Operator) -> Response:
    """Send dead letters back to the queue that they came from: one, or all of one origin."""
    form, request = form_of(bp.current_request), bp.current_request
    choice = chosen(form.get("id", ""), form.get("origin", ""))
    try:
        require_confirmation(form)
    except InvalidInput as error:
        return _health_page(operator, error, form)

    def note(letters: Sequence[DeadLetter]) -> None:
        asked: dict[str, Any] = {
            "letters": [letter.id for letter in letters[:NOTED]],
            "number": len(letters),
            "origin": choice.origin or letters[0].origin,
        }
        if why := form.get("why", "").strip():
            asked["why"] = why
        source = source_address(request)
        wiring.note(Act(operator.actor, "dead_letters.handled", None, asked, source))

    done = replay(choice, wiring.dead_letters(), wiring.dead_letter_senders(), note)
    failed = sum(number for outcome, number in done.items() if outcome in FAILED)
    sent = sum(done.values()) - failed
    return redirect_to(PATH, sent=str(sent), failed=str(failed))
