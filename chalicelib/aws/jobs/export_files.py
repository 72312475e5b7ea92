"""The files of nightly exports, in a bucket of S3."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chalicelib.domain.errors import Unavailable

_A_CALL = 1000
"""How many objects S3 lists, and deletes, in one call."""


class BucketFiles:
    """Puts and deletes the files of one bucket."""

    def __init__(self, bucket: str, s3: Any = None) -> None:
        self._bucket, self._s3 = bucket, s3 or _client()

    def put(self, key: str, content: bytes) -> None:
        """Write a file, in place of one of that name. Raises Unavailable."""
        with _translated():
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=content)

    def clear(self, folder: str) -> None:
        """Delete all files whose name begins with `folder`. Raises Unavailable."""
        while True:
            with _translated():
                found = self._s3.list_objects_v2(
                    Bucket=self._bucket, Prefix=folder, MaxKeys=_A_CALL
                ).get("Contents", [])
                if not found:
                    return
                objects = [{"Key": one["Key"]} for one in found]
                answer = self._s3.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True}
                )
            if errors := answer.get("Errors"):
                raise Unavailable(f"S3 did not delete a file: {errors[0].get('Code')}.")


@contextmanager
def _translated() -> Iterator[None]:
    """Raise Unavailable for what passes by itself: S3 is slow or down, or cannot be reached."""
    from botocore.exceptions import ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as NoConnection

    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
        if code == "SlowDown" or status >= 500:
            raise Unavailable(f"S3 is not available: {code}.") from error
        raise
    except (NoConnection, HTTPClientError) as error:
        raise Unavailable(f"S3 cannot be reached: {type(error).__name__}.") from error


def _client() -> Any:
    import boto3

    return boto3.client("s3")
