"""Every call of AWS that this process makes, by boto3 or by our own client, passed through one
function.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from botocore.client import BaseClient

from chalicelib.aws.json_protocol.client import JsonClient

Answering = Callable[[str, str, Any, Callable[[str, Any], Any]], Any]
"""Gets service, operation, parameters, and the client's own call, which takes an operation and its
parameters. What it returns is the answer.
"""

_DOORS: tuple[tuple[type[Any], str, Callable[[Any], str]], ...] = (
    (BaseClient, "_make_api_call", lambda client: client.meta.service_model.service_name),
    (JsonClient, "call", lambda client: client.service),
)


def pass_through(answering: Answering) -> Callable[[], None]:
    """Pass all calls through `answering` from now on; what is returned ends that."""
    before = [(kind, name, getattr(kind, name)) for kind, name, _ in _DOORS]
    for kind, name, service_of in _DOORS:
        setattr(kind, name, _passed(getattr(kind, name), service_of, answering))

    def end() -> None:
        for kind, name, call in before:
            setattr(kind, name, call)

    return end


@contextmanager
def passing_through(answering: Answering) -> Iterator[None]:
    """Pass all calls through `answering` for as long as this lasts."""
    end = pass_through(answering)
    try:
        yield
    finally:
        end()


STAMPS = ("SentTimestamp", "ApproximateFirstReceiveTimestamp")
"""The attributes of a message of SQS that are moments, in milliseconds."""


def stamp_messages(by_own_clock: Callable[[datetime], datetime]) -> Callable[[], None]:
    """Give messages of SQS the moments of another clock than the machine's, which the emulator has
    stamped them by; what is returned ends that.
    """

    def answering(
        service: str, operation: str, parameters: Any, call: Callable[[str, Any], Any]
    ) -> Any:
        answer = call(operation, parameters)
        if (service, operation) == ("sqs", "ReceiveMessage"):
            for message in answer.get("Messages", ()):
                attributes = message.get("Attributes", {})
                for name in attributes.keys() & STAMPS:
                    stamped = datetime.fromtimestamp(int(attributes[name]) / 1000, UTC)
                    attributes[name] = str(round(by_own_clock(stamped).timestamp() * 1000))
        return answer

    return pass_through(answering)


def _passed(call: Any, service_of: Callable[[Any], str], answering: Answering) -> Any:
    @functools.wraps(call)
    def passed(client: Any, operation: str, parameters: Any) -> Any:
        own = functools.partial(call, client)
        return answering(service_of(client), operation, parameters, own)

    return passed
