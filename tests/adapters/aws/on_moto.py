"""AWS simulated by moto in this process, for boto3 and for our own client."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from unittest.mock import patch

import urllib3
from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto import mock_aws
from moto.core import responses, utils
from moto.core.config import DefaultConfig
from moto.core.models import botocore_stubber

from chalicelib.aws.json_protocol.client import JsonClient
from tests.adapters.aws.moto_items import hasten

# moto looks through all methods of a service at each call: several milliseconds of it.
setattr(responses, "method_names_from_class", cache(utils.method_names_from_class))  # noqa: B010
hasten()


@contextmanager
def mocked_aws(config: DefaultConfig | None = None) -> Iterator[None]:
    """moto answers every call, as long as this lasts."""
    with mock_aws(config=config), patch.object(JsonClient, "_post", _by_moto):
        yield


def _by_moto(client: JsonClient, operation: str, body: bytes) -> urllib3.BaseHTTPResponse:
    """moto knows botocore's requests only: ours becomes one, signed as it would be sent."""
    headers = HTTPHeaders.from_dict(client._signed_headers(operation, body))
    url = client._settings.endpoint + client._path
    request = AWSPreparedRequest("POST", url, headers, body, False)
    answer = botocore_stubber("before-send", request)
    assert answer is not None, f"moto has no answer from {url}"
    return urllib3.HTTPResponse(answer.content, answer.headers, answer.status_code)
