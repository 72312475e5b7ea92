"""The bucket from which CloudFormation reads code and template. Each object is named by the hash of
its content.
"""

import hashlib
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.domain.errors import InvalidInput

KEPT_DAYS = 365
"""How long an object is kept. CloudFormation reads the code again when it rolls back or recreates a
function; nobody rolls back to a release that is a year old.
"""


class Artifacts:
    """The bucket `billhook-artifacts-<account>-<region>`, created when it is first needed."""

    def __init__(self, s3: Any, account: str, region: str) -> None:
        self._s3, self._account, self._region = s3, account, region
        self.bucket = f"billhook-artifacts-{account}-{region}"

    def prepare(self) -> None:
        """Create the bucket, private and encrypted, unless it exists. Raises InvalidInput if
        another AWS account owns the name.
        """
        try:
            self._s3.head_bucket(Bucket=self.bucket, ExpectedBucketOwner=self._account)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in ("404", "NoSuchBucket"):
                raise InvalidInput(
                    f"The bucket {self.bucket} cannot be used: {code}. It must be of this account,"
                    " and open to you."
                ) from error
            self._make()

    def _make(self) -> None:
        # us-east-1 is the one region that must not be named.
        place = (
            {}
            if self._region == "us-east-1"
            else {"CreateBucketConfiguration": {"LocationConstraint": self._region}}
        )
        self._s3.create_bucket(Bucket=self.bucket, **place)
        shut = dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"),
            True,
        )
        self._s3.put_public_access_block(Bucket=self.bucket, PublicAccessBlockConfiguration=shut)
        rule = {
            "ID": "old",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "Expiration": {"Days": KEPT_DAYS},
        }
        self._s3.put_bucket_lifecycle_configuration(
            Bucket=self.bucket, LifecycleConfiguration={"Rules": [rule]}
        )

    def put(self, content: bytes, suffix: str) -> str:
        """The key of the content, which is uploaded unless it exists already."""
        key = f"{hashlib.sha256(content).hexdigest()}{suffix}"
        try:
            self._s3.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("404", "NoSuchKey"):
                raise InvalidInput(
                    f"{self.bucket}/{key} cannot be looked at: {error.response['Error']['Code']}."
                ) from error
            self._s3.put_object(
                Bucket=self.bucket, Key=key, Body=content, ExpectedBucketOwner=self._account
            )
        return key
