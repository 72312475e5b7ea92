"""Puts domain events onto event buses of Amazon EventBridge."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.outgoing.bus import BusEntry

if TYPE_CHECKING:
    from chalicelib.aws.json_protocol.eventbridge import EventBridge

TAKEN = 200


class EventBus:
    """Puts domain events onto the owner's bus, by PutEvents."""

    def __init__(self, client: "EventBridge | None" = None) -> None:
        self._client = client

    def put(self, entries: Sequence[BusEntry]) -> list[CallAnswer]:
        """What came of each entry of one call, in their order. An answer with status 200 may have
        refused some of them. Failures are answers too: this raises nothing.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            told = self._events().put_events(Entries=[_wired(one) for one in entries])
        except ClientError as error:
            return [_failed(error.response["Error"]["Code"])] * len(entries)
        except BotoCoreError as error:
            return [_failed(type(error).__name__)] * len(entries)
        answers = told.get("Entries", ())
        if len(answers) != len(entries):
            return [_failed("an answer without one for each entry")] * len(entries)
        return [_read(one) for one in answers]

    def _events(self) -> "EventBridge":
        if self._client is None:
            from chalicelib.aws.json_protocol.eventbridge import EventBridge

            self._client = EventBridge()
        return self._client


def _wired(one: BusEntry) -> dict[str, Any]:
    return {**one, "Time": datetime.fromisoformat(one["Time"]).timestamp()}


def _read(told: Mapping[str, str]) -> CallAnswer:
    code = told.get("ErrorCode")
    return _failed(code) if code else CallAnswer(TAKEN)


def _failed(why: str) -> CallAnswer:
    return CallAnswer(None, f"EventBridge: {why}.")
