"""One call: encoded, signed by botocore's signer, posted, tried again by AWS's rules."""

import json
import os
import random
import time
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import (
    ClientError,
    ConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ResponseStreamingError,
)

from chalicelib.aws.json_protocol.connection import (
    ServiceSettings,
    connections,
    path_of,
    settings_of,
    translated,
)
from chalicelib.aws.json_protocol.retries import ATTEMPTS, Failure, RetryQuota, pause

FIRST_ERROR_STATUS = 300


class JsonClient:
    """The client of one service; threads may share it. Its errors are boto3's: a ClientError with
    code and message for an answer that is an error, botocore's ConnectionError or HTTPClientError
    if no answer came.

    If the reply to a write is lost, the write is sent again, as boto3 does.
    """

    service: ClassVar[str]
    target: ClassVar[str]
    """What the names of operations begin with in the header X-Amz-Target."""
    version: ClassVar[str] = "1.0"
    """Of the JSON protocol."""
    pause_scale: ClassVar[float] = 0.05
    """Seconds that the first pause lasts at most if the service is not throttled."""

    def __init__(
        self, endpoint: str | None = None, settings: ServiceSettings | None = None
    ) -> None:
        """`endpoint` replaces the one that the environment gives, `settings` all that it gives."""
        self._settings = settings or settings_of(self.service, endpoint)
        self._pool = connections(self._settings)
        self._path = path_of(self._settings.endpoint)
        self._quota = RetryQuota()

    def call(self, operation: str, parameters: Mapping[str, Any]) -> Any:
        """The service's answer to an operation."""
        body = self._encoded(parameters)
        attempt, paid = 1, 1
        while True:
            try:
                answer = self._answer(operation, self._post(operation, body))
            except (ClientError, ConnectionError, HTTPClientError) as error:
                failure = _failure(error)
                if not failure.passing or attempt == ATTEMPTS:
                    raise
                if not (paid := self._quota.take(failure)):
                    raise
            else:
                self._quota.give_back(paid)
                return answer
            chance = random.random()  # noqa: S311  # nosec B311 # it guards nothing
            time.sleep(pause(failure, attempt, self.pause_scale, chance))
            attempt += 1

    def _post(self, operation: str, body: bytes) -> urllib3.BaseHTTPResponse:
        """The response to one attempt."""
        try:
            return self._pool.urlopen(
                "POST",
                self._path,
                body=body,
                headers=self._signed_headers(operation, body),
                retries=False,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise translated(error, self._settings.endpoint) from error

    def _signed_headers(self, operation: str, body: bytes) -> dict[str, str]:
        if self._settings.credentials is None:
            raise NoCredentialsError()
        headers = {
            "Content-Type": f"application/x-amz-json-{self.version}",
            "X-Amz-Target": f"{self.target}.{operation}",
            **_trace(),
        }
        request = AWSRequest("POST", self._settings.endpoint + self._path, headers, body)
        # Frozen for this signature: another thread may renew them.
        credentials = self._settings.credentials.get_frozen_credentials()
        SigV4Auth(credentials, self.service, self._settings.region).add_auth(request)
        return dict(request.headers.items()) | {"User-Agent": "billhook"}

    def _answer(self, operation: str, response: urllib3.BaseHTTPResponse) -> Any:
        if response.status >= FIRST_ERROR_STATUS:
            raise ClientError(_error(response), operation)
        return self._decoded(response)

    def _encoded(self, parameters: Mapping[str, Any]) -> bytes:
        return json.dumps(parameters).encode()

    def _decoded(self, response: urllib3.BaseHTTPResponse) -> Any:
        try:
            return json.loads(response.data)
        except ValueError as error:
            raise ResponseStreamingError(error=error) from error


def _trace() -> dict[str, str]:
    """What Lambda stops endless loops by: messages that a function sends carry the invocation that
    they come from (Lambda's developer guide, "recursive loop detection").
    """
    trace = os.environ.get("_X_AMZN_TRACE_ID")
    if not trace or "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
        return {}
    return {"X-Amzn-Trace-Id": quote(trace, safe="-=;:+&[]{}\"',")}


def _error(response: urllib3.BaseHTTPResponse) -> Any:
    """An error in the shape in which boto3 has it. Its code is that of the body or the header,
    without the namespace, or else the status: what stands between may answer in other words.
    """
    try:
        told = json.loads(response.data)
    except ValueError:
        told = {}
    told = told if isinstance(told, dict) else {}
    headers = {name.lower(): value for name, value in response.headers.items()}
    code = headers.get("x-amzn-errortype") or told.pop("__type", "") or told.pop("code", "")
    message = told.pop("message", "") or told.pop("Message", "")
    return told | {
        "Error": {
            "Code": code.partition(":")[0].rpartition("#")[2] or str(response.status),
            "Message": message,
        },
        "ResponseMetadata": {
            "RequestId": headers.get("x-amzn-requestid", ""),
            "HTTPStatusCode": response.status,
            "HTTPHeaders": headers,
        },
    }


def _failure(error: Exception) -> Failure:
    if not isinstance(error, ClientError):
        return Failure()
    metadata = error.response["ResponseMetadata"]
    asked = metadata["HTTPHeaders"].get("x-amz-retry-after", "")
    return Failure(
        error.response["Error"]["Code"],
        metadata["HTTPStatusCode"],
        int(asked) if asked.isdecimal() else 0,
    )
