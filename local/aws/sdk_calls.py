"""Every call of AWS that this process makes, by boto3 or by our own client, passed through one
function.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


def _passed(call: Any, service_of: Callable[[Any], str], answering: Answering) -> Any:
    @functools.wraps(call)
    def passed(client: Any, operation: str, parameters: Any) -> Any:
        own = functools.partial(call, client)
        return answering(service_of(client), operation, parameters, own)

    return passed
