"""The bucket of nightly exports, on moto."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from chalicelib.aws.jobs.export_files import BucketFiles
from chalicelib.domain.errors import Unavailable

BUCKET = "billhook-exports"


@pytest.fixture
def s3(aws: None) -> Any:
    client = boto3.client("s3")
    where = {"LocationConstraint": client.meta.region_name}
    client.create_bucket(
        Bucket=BUCKET,
        **({"CreateBucketConfiguration": where} if client.meta.region_name != "us-east-1" else {}),
    )
    return client


def keys(s3: Any) -> list[str]:
    return [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_a_file_takes_the_place_of_one_of_its_name(s3: Any) -> None:
    files = BucketFiles(BUCKET, s3)
    files.put("a/b", b"first")
    files.put("a/b", b"second")
    assert s3.get_object(Bucket=BUCKET, Key="a/b")["Body"].read() == b"second"


def test_a_folder_is_cleared_of_all_its_files_and_no_others(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.aws.jobs.export_files._A_CALL", 2)
    files = BucketFiles(BUCKET, s3)
    for number in range(5):
        files.put(f"customers/dt=2026-03-02/part-{number}", b"")
    files.put("customers/dt=2026-03-03/part-0", b"")
    files.clear("customers/dt=2026-03-02/")
    assert keys(s3) == ["customers/dt=2026-03-03/part-0"]
    files.clear("customers/dt=2026-03-02/")


class Failing:
    """A client whose every call raises, or answers, the same."""

    def __init__(self, raised: Exception) -> None:
        self.raised = raised

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**_: object) -> Any:
            raise self.raised

        return call


def answer(code: str, status: int) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "PutObject")


@pytest.mark.parametrize(
    "raised",
    [
        answer("SlowDown", 503),
        answer("InternalError", 500),
        EndpointConnectionError(endpoint_url="https://s3"),
    ],
)
def test_what_passes_by_itself_is_tried_again_later(raised: Exception) -> None:
    files = BucketFiles(BUCKET, Failing(raised))
    for call in (lambda: files.put("a", b""), lambda: files.clear("a")):
        with pytest.raises(Unavailable):
            call()


def test_a_right_that_is_missing_fails_the_function() -> None:
    with pytest.raises(ClientError):
        BucketFiles(BUCKET, Failing(answer("AccessDenied", 403))).put("a", b"")


def test_a_file_that_s3_does_not_delete_is_not_taken_for_gone() -> None:
    class Keeps:
        def list_objects_v2(self, **_: object) -> Any:
            return {"Contents": [{"Key": "a"}]}

        def delete_objects(self, **_: object) -> Any:
            return {"Errors": [{"Key": "a", "Code": "InternalError"}]}

    with pytest.raises(Unavailable):
        BucketFiles(BUCKET, Keeps()).clear("a")
