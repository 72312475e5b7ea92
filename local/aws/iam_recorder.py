"""What each function asks of AWS, in the words of IAM: a test holds the functions' roles against
it.
"""

import functools
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from chalicelib.aws.keys.secrets import Secrets
from local.aws.resources import Resources
from local.aws.sdk_calls import pass_through

Call = tuple[str, str]
"""An action such as `dynamodb:GetItem`, and what it acts on as .chalice/permissions.yaml names it.
"""

_running: ContextVar[str] = ContextVar("running", default="")

_WRITES = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


_BUCKET = {
    "DeleteObjects": ("DeleteObject", "/*"),
    "ListObjectsV2": ("ListBucket", ""),
    "PutObject": ("PutObject", "/*"),
}
"""Operations of S3 → the action, and what of the bucket it is about."""


class Calls:
    """Every call of AWS that a function made in this process, once."""

    def __init__(self, resources: Resources) -> None:
        self._queues = {made.ref: id for id, made in resources.made.items()}
        self._seen: set[tuple[str, Call]] = set()

    def by(self, function: str, run: Callable[..., Any]) -> Callable[..., Any]:
        """`run`, whose calls are noted under the logical id of `function`."""

        @functools.wraps(run)
        def noted(*arguments: Any, **named: Any) -> Any:
            token = _running.set(function)
            try:
                return run(*arguments, **named)
            finally:
                _running.reset(token)

        return noted

    def watch(self) -> None:
        """Note calls from now on. Secrets are noted where they are asked for: here all functions
        share what one of them has read.
        """
        get = Secrets._get

        def noted_call(
            service: str, operation: str, parameters: Any, call: Callable[[str, Any], Any]
        ) -> Any:
            self._note(_calls(service, operation, parameters, self._queues))
            return call(operation, parameters)

        def noted_get(secrets: Secrets, name: str) -> str:
            self._note([("ssm:GetParameter", f"parameter/{name}")])
            return get(secrets, name)

        pass_through(noted_call)
        Secrets._get = noted_get  # type: ignore[assignment]

    def to_json(self) -> dict[str, list[Call]]:
        """The calls of each function."""
        functions = sorted({function for function, _ in self._seen})
        return {
            function: sorted(call for one, call in self._seen.copy() if one == function)
            for function in functions
        }

    def _note(self, calls: "Iterator[Call] | list[Call]") -> None:
        if function := _running.get():
            self._seen |= {(function, call) for call in calls}


def _calls(
    service: str, operation: str, parameters: dict[str, Any], queues: dict[str, str]
) -> Iterator[Call]:
    match service:
        case "dynamodb":
            table = "BillingTable" + (
                f"/index/{parameters['IndexName']}" if "IndexName" in parameters else ""
            )
            if operation == "TransactWriteItems":
                yield from (
                    (f"dynamodb:{_WRITES[kind]}", table)
                    for write in parameters["TransactItems"]
                    for kind in write
                )
            else:
                yield f"dynamodb:{operation}", table
        case "sqs":
            yield f"sqs:{operation.removesuffix('Batch')}", queues[parameters["QueueUrl"]]
        case "s3":
            action, of = _BUCKET[operation]
            yield f"s3:{action}", f"ExportBucket{of}"
        case "sesv2" if operation == "SendEmail":
            yield "ses:SendEmail", "identity/senders"
            yield "ses:SendEmail", "ConfigurationSet"
        case "sesv2":
            yield f"ses:{operation}", "*"
        case "events":
            yield f"events:{operation}", "EventBus"
        case "states":
            yield f"states:{operation}", "StateMachine"
        case "ssm":
            return  # noted where the secret is asked for
        case _:
            yield f"{service}:{operation}", "*"
