"""The control room's answers about the stand-in for Intercom."""

from collections.abc import Callable

from local.control_room import pages
from local.control_room.request_input import is_browser, is_form
from local.http_server import Answer, Request, error_answer, json_answer
from local.intercom.server import IntercomServer

NO_CONTACT = error_answer(404, "not_found", "Intercom has no contact of such an account.")


class AtIntercom:
    """Shows the contacts of the stand-in, where it runs, and does what they do there. `settle`
    returns once the system is idle.
    """

    def __init__(self, intercom: IntercomServer | None, settle: Callable[[], object]) -> None:
        self._intercom, self._settle = intercom, settle

    def shown(self, request: Request, account_id: str | None) -> Answer:
        """All contacts, or that of one account."""
        contacts = self._intercom.contacts() if self._intercom else []
        found = next((one for one in contacts if one.get("external_id") == account_id), None)
        if account_id and found is None:
            return NO_CONTACT
        if not is_browser(request):
            return json_answer(found or {"contacts": contacts})
        if found:
            return pages.contact(found)
        return pages.contacts(contacts, self._intercom is not None)

    def unsubscribe(self, request: Request, account_id: str, verb: str) -> Answer:
        """The contact unsubscribes there, or subscribes again; Billhook gets the webhook."""
        billhook, unsubscribes = f"http://{request.headers['Host']}", verb == "unsubscribe"
        told = (
            self._intercom.unsubscribe(account_id, unsubscribes, billhook)
            if self._intercom
            else None
        )
        if told is None:
            return NO_CONTACT
        self._settle()
        if is_browser(request) or is_form(request):
            return Answer(303, b"", [("Location", f"/_local/intercom/{account_id}")])
        return json_answer({"status": told})
