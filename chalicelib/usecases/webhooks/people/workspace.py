"""Intercom's workspace: its limit of calls, and the attributes that contacts have in it."""

from collections.abc import Collection, Iterator, Mapping

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.people.contact import ATTRIBUTES
from chalicelib.domain.people.intercom import (
    Attribute,
    attribute_body,
    attributes_of,
    error_of,
    has_attribute_already,
    same_type,
)
from chalicelib.domain.people.state import is_down
from chalicelib.usecases.webhooks.people.system import Call, SystemDown, WorkspaceRefused


class Workspace:
    """Calls Intercom; the last answer is kept, since its headers tell of the limit."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.last_answer = CallAnswer(200)

    def call(self, method: str, path: str, body: object) -> CallAnswer:
        """What came of a call. Raises SystemDown if nothing else would be answered either, and for
        half an answer: what it does not name may be there all the same.
        """
        self.last_answer = self._call(method, path, body)
        if is_down(self.last_answer):
            raise SystemDown(self.last_answer)
        if self.last_answer.is_cut:
            raise SystemDown(unreadable())
        return self.last_answer

    def attributes(self) -> Mapping[str, Attribute]:
        """Those of contacts, by name, archived ones too; empty if they cannot be read. Raises
        SystemDown.
        """
        path = "/data_attributes?model=contact&include_archived=true"
        return attributes_of(self.call("GET", path, None))

    def make_attributes(self, names: Collection[str]) -> bool:
        """Make those of the attributes that are missing, and bring back those that were archived.
        Whether there was anything to do. Raises WorkspaceRefused if one cannot be had, SystemDown.
        """
        held, made, known = self.attributes(), False, set[str]()
        for name in (name for name in ATTRIBUTES if name in names):
            one = held.get(name)
            if one is None:
                answer, made = self.call("POST", "/data_attributes", attribute_body(name)), True
                if has_attribute_already(answer):  # made meanwhile, or a company has it
                    known.add(name)
                else:
                    _check(answer, name)
            elif not same_type(one.type, ATTRIBUTES[name]):
                raise WorkspaceRefused(CallAnswer(400), wrong_type(one))
            elif one.archived:
                path = f"/data_attributes/{one.id}"
                _check(self.call("PUT", path, {"archived": False}), name)
                made = True
        if known and held:
            for name in known - self.attributes().keys():
                raise WorkspaceRefused(CallAnswer(400), f"Intercom has the attribute {name} twice.")
        return made


def unreadable() -> CallAnswer:
    """In place of an answer of which only the beginning came."""
    return CallAnswer(None, "The answer could not be read.")


def wrong_type(one: Attribute) -> str:
    """What to do about an attribute of the wrong type, which no call can change."""
    return (
        f"The attribute {one.name} is of the type {one.type} at Intercom, and must be"
        f" {ATTRIBUTES[one.name]}: rename or archive it there under another name."
    )


def differences(held: Mapping[str, Attribute], names: Collection[str]) -> Iterator[str]:
    """What is wrong with the attributes of a workspace, for people."""
    for name in (name for name in ATTRIBUTES if name in names):
        one = held.get(name)
        if one is None:
            yield f"The attribute {name} does not exist."
        elif one.archived:
            yield f"The attribute {name} is archived."
        elif not same_type(one.type, ATTRIBUTES[name]):
            yield wrong_type(one)


def _check(answer: CallAnswer, name: str) -> None:
    if not answer.succeeded:
        why = f"Intercom does not take the attribute {name}: {error_of(answer) or answer.error}"
        raise WorkspaceRefused(answer, why)
