"""Pages, and what anyone may ask."""

import functools
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import parse_qs, unquote

from chalice.app import Blueprint, Response

from chalicelib.domain.account import Account
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.facts import ConsentGiven
from chalicelib.domain.links import Link, LinkRefused, verify
from chalicelib.domain.timeline import Entry
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.telemetry import failure_of, logger
from chalicelib.usecases.absorb import Asker, absorb

UNSUBSCRIBABLE = "lifecycle"
"""The one stream that may be unsubscribed from."""

ANYTHING = ["*/*"]
"""Mail programs post what they like: a form (RFC 8058), multipart, or no type at all."""

bp = Blueprint(__name__)

View = Callable[[str], Response]


@bp.route("/healthz", methods=["GET"])
def show_health() -> dict[str, str]:
    """The function answers."""
    return {"status": "ok"}


def paged(view: View) -> View:
    """For pages, below Chalice's decorator: what goes wrong is a page too, and tells nothing. Chalice would log the path, and so the token."""

    @functools.wraps(view)
    def wrapper(token: str) -> Response:
        try:
            return view(unquote(token))
        except LinkRefused:
            return _page(404, "message", title="This link does not work", text="Please use the newest link that you have.")
        except Unavailable as error:
            logger.warning("A page could not be shown", extra={"view": view.__name__} | failure_of(error))
            return _page(503, "message", title="Not now", text="Something is out of reach. Please try again in a minute.")
        except Exception as error:
            logger.error("A page failed", extra={"view": view.__name__} | failure_of(error))
            return _page(500, "message", title="Something failed", text="Something failed on our side. Please try again.")

    return wrapper


@bp.route("/unsubscribe/{token}", methods=["GET"], content_types=ANYTHING)
@paged
def show_unsubscribe(token: str) -> Response:
    """Shows a button and changes nothing: programs that look for bad links open every one."""
    account = _account(token, "unsubscribe")
    return _page(200, "unsubscribe", wanted=_wanted(account))


@bp.route("/unsubscribe/{token}", methods=["POST"], content_types=ANYTHING)
@paged
def unsubscribe(token: str) -> Response:
    """Ends lifecycle mail at once, whatever the body says (RFC 8058); the same again does no harm."""
    account = _account(token, "unsubscribe")
    _learn(account, wanted=False)
    preferences = wiring.token(Link("preferences", account.id, UNSUBSCRIBABLE)) if account else ""
    return _page(200, "unsubscribed", preferences=preferences)


@bp.route("/preferences/{token}", methods=["GET"], content_types=ANYTHING)
@paged
def show_preferences(token: str) -> Response:
    """Which mail comes."""
    account = _account(token, "preferences")
    return _page(200, "preferences", wanted=_wanted(account), saved=False, wrong=False)


@bp.route("/preferences/{token}", methods=["POST"], content_types=ANYTHING)
@paged
def save_preferences(token: str) -> Response:
    """Saves the choice, if there is one: yes or no."""
    account = _account(token, "preferences")
    choice = _choice(cast(bytes, bp.current_request.raw_body))
    if choice not in {"yes", "no"}:
        return _page(400, "preferences", wanted=_wanted(account), saved=False, wrong=True)
    _learn(account, wanted=choice == "yes")
    return _page(200, "preferences", wanted=choice == "yes", saved=True, wrong=False)


def _choice(body: bytes) -> str:
    try:
        return parse_qs(body.decode(errors="replace"), max_num_fields=20).get("lifecycle", [""])[-1]
    except ValueError:
        return ""


def _account(token: str, purpose: str) -> Account | None:
    """The account of a link; None if it was erased since. Raises LinkRefused."""
    link = verify(token, purpose, wiring.secrets().link_keys, clock.now())
    if link.about != UNSUBSCRIBABLE:
        raise LinkRefused("This link is about mail that cannot be unsubscribed from.")
    return wiring.accounts().load(link.account_id)


def _wanted(account: Account | None) -> bool:
    return account is not None and UNSUBSCRIBABLE not in account.unsubscribed


def _learn(account: Account | None, wanted: bool) -> None:
    if account is None:
        return
    world, now = wiring.world(), clock.now()
    learnt = absorb(account, [ConsentGiven(UNSUBSCRIBABLE, wanted, now)], world, Asker(world))
    if (UNSUBSCRIBABLE in learnt.unsubscribed) is not (UNSUBSCRIBABLE in account.unsubscribed):
        told = "mail.subscribed" if wanted else "mail.unsubscribed"
        world.log.put([Entry(account.id, now, "mail", UNSUBSCRIBABLE, told, {"stream": UNSUBSCRIBABLE})])


def _page(status: int, name: str, **values: Any) -> Response:
    from chalicelib.pages.rendering import headers, page

    letter = wiring.policy().mail
    return Response(page(name, product=letter.product if letter else "us", **values), status_code=status, headers=headers())
