"""Every call that the system makes to other systems, as it was made, without its secrets."""

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.outgoing.bus import BusEntry
from chalicelib.runtime.clock import clock
from chalicelib.usecases.ports.outgoing import Bus, Caller, MethodCaller, StateMachines
from local.durations import iso

SECRET_HEADERS = frozenset({"authorization", "x-stripe-client-user-agent"})
"""Not shown: the first is a secret, the second says nothing but which machine this is."""


class WatchedCaller:
    """Calls of a kind to URLs that somebody named, which are kept too."""

    def __init__(self, caller: Caller, outgoing: "Outgoing", kind: str) -> None:
        self._caller, self._outgoing, self._kind = caller, outgoing, kind

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> CallAnswer:
        answer = self._caller.post(url, headers, body)
        self._outgoing.note(url, self._kind, headers, body.decode(), answer.code)
        return answer


class WatchedPeople:
    """Calls of the people system, which are kept too, without their token."""

    def __init__(self, caller: MethodCaller, outgoing: "Outgoing") -> None:
        self._caller, self._outgoing = caller, outgoing

    def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> CallAnswer:
        answer = self._caller.call(method, url, headers, body)
        sent = json.loads(body) if body else None
        self._outgoing.note(url, "people", headers, sent, answer.code, method)
        return answer


class WatchedSlack:
    """Calls to Slack, which are kept too, without the path: it is the secret."""

    def __init__(self, caller: Caller, outgoing: "Outgoing") -> None:
        self._caller, self._outgoing = caller, outgoing

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> CallAnswer:
        answer = self._caller.post(url, headers, body)
        parts = urlsplit(url)
        to = f"{parts.scheme}://{parts.netloc}"
        self._outgoing.note(to, "slack", headers, json.loads(body), answer.code)
        return answer


class WatchedMachines:
    """Calls of StartExecution, which are kept too."""

    def __init__(self, machines: StateMachines, outgoing: "Outgoing") -> None:
        self._machines, self._outgoing = machines, outgoing

    def start(self, arn: str, name: str, input: str) -> CallAnswer:
        answer = self._machines.start(arn, name, input)
        body = {"stateMachineArn": arn, "name": name, "input": input}
        self._outgoing.note("states", "stepfunctions", {}, body, answer.code)
        return answer


class WatchedBus:
    """Calls of PutEvents, which are kept too; the status is that of a call that took all of it."""

    def __init__(self, bus: Bus, outgoing: "Outgoing") -> None:
        self._bus, self._outgoing = bus, outgoing

    def put(self, entries: Sequence[BusEntry]) -> list[CallAnswer]:
        answers = self._bus.put(entries)
        status = next((one.code for one in answers if not one.succeeded), 200)
        self._outgoing.note("events", "eventbridge", {}, {"Entries": list(entries)}, status)
        return answers


class Outgoing:
    """The calls in the order in which they ended."""

    def __init__(self) -> None:
        self._calls: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def note(
        self,
        to: str,
        kind: str,
        headers: Mapping[str, str],
        body: Any,
        status: int | None,
        method: str | None = None,
    ) -> None:
        """Keep one call; a `status` of None says that no answer came. `method` is told where calls
        of a kind have different ones.
        """
        shown = {
            name: value for name, value in headers.items() if name.lower() not in SECRET_HEADERS
        }
        call = {
            "at": iso(clock.now()),
            "to": to,
            "kind": kind,
            "headers": shown,
            "body": body,
            "status": status,
            **({"method": method} if method else {}),
        }
        with self._lock:
            self._calls.append(call)

    def calls(self) -> list[dict[str, Any]]:
        """All calls so far."""
        with self._lock:
            return list(self._calls)

    def watch_stripe(self) -> None:
        """Keep, from now on, every request that Stripe's SDK makes in this process, each of its
        repetitions too.
        """
        import stripe

        outgoing = self

        class Watched(stripe.RequestsClient):
            def request(
                self,
                method: str,
                url: str,
                headers: Mapping[str, str] | None,
                post_data: Any = None,
                **more: Any,
            ) -> Any:
                parts = urlsplit(url)
                kind = f"{method.upper()} {parts.path}" + (f"?{parts.query}" if parts.query else "")
                status: int | None = None
                try:
                    answer = super().request(method, url, headers, post_data, **more)
                    status = answer[1]
                    return answer
                finally:
                    outgoing.note("stripe", kind, headers or {}, post_data or None, status)

        stripe.RequestsClient = Watched  # type: ignore[misc]
