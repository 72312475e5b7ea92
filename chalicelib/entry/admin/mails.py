"""One message of a customer, built anew, in a frame that can do nothing."""

from datetime import datetime, timedelta
from urllib.parse import unquote

from chalice.app import Blueprint, Response

from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import AccountNotFound, BillhookError, InvalidInput
from chalicelib.domain.ids import well_formed
from chalicelib.domain.messaging.past_messages import PastMessage, past_messages
from chalicelib.domain.security.dashboard import Operator
from chalicelib.entry.admin.responses import admin_page
from chalicelib.entry.admin.session import page, query_of
from chalicelib.runtime import wiring
from chalicelib.usecases.messaging.rebuild import NotRebuilt, RebuiltMessage, rebuild
from chalicelib.usecases.reading import require_account

bp = Blueprint(__name__)

PATH = "/admin/customers/{account_id}/mails/{key}"

BEFORE = timedelta(days=1)
"""A message is on the timeline under the time at which it was queued, this long before it was sent
at most.
"""

OLDEST = 1970
"""The year before which there is no message. A link may name any time, and no other day is before
the first one that there is.
"""


@page(bp, PATH)
def show_mail(operator: Operator, account_id: str, key: str) -> Response:
    """Show what became of a message, and the message as it is written today."""
    from chalicelib.pages.admin.customer import title_of
    from chalicelib.pages.admin.mails import WITH_FRAME, language_name, mail_view

    account, message = _message(account_id, unquote(key))
    built, problem = _built(account, message)
    response = admin_page(
        operator,
        "mail",
        account=account,
        title=title_of(account),
        built=built,
        language=language_name(built.language) if built else "",
        problem=problem,
        **mail_view(message),
    )
    response.headers.update(WITH_FRAME)
    return response


@page(bp, f"{PATH}/body")
def show_mail_body(operator: Operator, account_id: str, key: str) -> Response:
    """The HTML part of a message as it is written today, for the frame: it may load, run and send
    nothing.
    """
    from chalicelib.pages.admin.mails import IN_FRAME

    account, message = _message(account_id, unquote(key))
    built, problem = _built(account, message)
    if built is None:
        raise NotRebuilt(problem)
    return Response(built.html, headers={**IN_FRAME})


def _message(account_id: str, key: str) -> tuple[Account, PastMessage]:
    """The account, and the message: of its records, or with `at` of its timeline. Raises
    AccountNotFound, InvalidInput.
    """
    if not well_formed(account_id):
        raise AccountNotFound("There is no such customer.")
    account = require_account(account_id, wiring.accounts())
    record = account.mails.get(key)
    at = record.at if record else _moment(query_of(bp.current_request, "at")["at"])
    entries = wiring.timelines().mails_since(account.id, at - BEFORE)
    found = {one.key: one for one in past_messages({key: record} if record else {}, entries)}
    if key not in found:
        raise AccountNotFound("The customer was sent no such message.")
    return account, found[key]


def _built(account: Account, message: PastMessage) -> tuple[RebuiltMessage | None, str]:
    """The message, or why it cannot be built."""
    try:
        return rebuild(account, message.key, message.at, wiring.services()), ""
    except BillhookError as error:
        return None, error.message


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise AccountNotFound("The customer was sent no such message.") from error
    if moment.tzinfo is None:
        raise InvalidInput("at must have an offset, as in 2026-12-31T18:00:00+00:00.", "at")
    if moment.year < OLDEST:
        raise AccountNotFound("The customer was sent no such message.")
    return moment
