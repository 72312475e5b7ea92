"""The secrets of a stage: SecureStrings in the Parameter Store, below the stack's own path."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

SECURE: Final = "SecureString"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `type` is the Parameter Store's."""

    value: str
    type: str
    changed_at: datetime


class Parameters:
    """The parameters below one path. Raises Unavailable if AWS cannot be reached, or refuses."""

    def __init__(self, path: str, ssm: "SSMClient | None" = None) -> None:
        self.path = path
        self._ssm = ssm

    def name(self, parameter: str) -> str:
        """A parameter's full name."""
        return f"{self.path}/{parameter}"

    def get(self, parameter: str) -> Parameter | None:
        """The parameter; None if there is none."""
        try:
            found = self._client().get_parameter(Name=self.name(parameter), WithDecryption=True)[
                "Parameter"
            ]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ParameterNotFound":
                return None
            raise self._unavailable(parameter, error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise self._unavailable(parameter, str(error)) from error
        return Parameter(found["Value"], found["Type"], found["LastModifiedDate"])

    def put(self, parameter: str, value: str) -> None:
        """Write a parameter as a SecureString, over any present value."""
        try:
            self._client().put_parameter(
                Name=self.name(parameter), Value=value, Type=SECURE, Overwrite=True
            )
        except ClientError as error:
            raise self._unavailable(parameter, error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise self._unavailable(parameter, str(error)) from error

    def _client(self) -> "SSMClient":
        self._ssm = self._ssm or boto3.client("ssm")
        return self._ssm

    def _unavailable(self, parameter: str, why: str) -> Unavailable:
        if why == "HierarchyTypeMismatchException":
            why = (
                "it is no SecureString, and its type cannot be changed. Delete it, and put its"
                " value again as a SecureString"
            )
        return Unavailable(f"The parameter {self.name(parameter)} is out of reach: {why}.")
