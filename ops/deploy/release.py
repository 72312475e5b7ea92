"""One stage deployed, step by step, with the operator's own AWS credentials."""

import copy
import json
import os
from collections.abc import Mapping

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.errors import InvalidInput
from ops.deploy.artifacts import Artifacts
from ops.deploy.changes import Change, Stack
from ops.package.build import Package
from ops.package.template import Template
from ops.stage.stages import stack_name


class Release:
    """Deploys to one stage. Raises InvalidInput if there are no credentials, or no region."""

    def __init__(self, stage: str) -> None:
        session = boto3.Session()
        if not session.region_name:
            raise InvalidInput(
                "Which region? Set AWS_DEFAULT_REGION, or the region of your AWS profile.", "region"
            )
        try:
            self.account = str(session.client("sts").get_caller_identity()["Account"])
        except (BotoCoreError, ClientError) as error:
            raise InvalidInput(
                f"AWS does not know you: {str(error).rstrip('.')}. Set AWS_PROFILE, or sign in.",
                "credentials",
            ) from error
        self.region = str(session.region_name)
        self._artifacts = Artifacts(session.client("s3"), self.account, self.region)
        self._stack = Stack(session.client("cloudformation"), stack_name(stage))
        self._s3_host = session.client("s3").meta.endpoint_url

    def propose(self, package: Package, settings: Mapping[str, str]) -> list[Change] | None:
        """Upload the package, and return what deploying it would change; None if nothing would.
        Raises InvalidInput.
        """
        self._artifacts.prepare()
        code = self._artifacts.put(package.archive.read_bytes(), ".zip")
        template = _placed(package.template, self._artifacts.bucket, code)
        key = self._artifacts.put(json.dumps(template, sort_keys=True).encode(), ".json")
        # CloudFormation takes 51,200 bytes by themselves, and a megabyte out of a bucket.
        return self._stack.propose(
            f"{self._s3_host}/{self._artifacts.bucket}/{key}",
            template.get("Parameters", {}),
            settings,
        )

    def carry_out(self) -> None:
        """Execute the change set. Raises InvalidInput if it failed; everything is then as
        before.
        """
        self._stack.carry_out()

    def remove(self) -> None:
        """Delete the stack; resources that the template retains stay."""
        self._stack.remove()


def endpoint(outputs: Mapping[str, str]) -> str:
    """The URL of a stage, without a slash at its end: its own domain, or else API Gateway's; in an
    emulator, the emulator's.
    """
    if emulator := os.environ.get("AWS_ENDPOINT_URL"):
        return f"{emulator}/restapis/{outputs['RestAPIId']}/api/_user_request_"
    return (outputs.get("DomainUrl") or outputs["EndpointURL"]).rstrip("/")


def _placed(template: Template, bucket: str, code: str) -> Template:
    """The template with the location of the code in the bucket."""
    placed = copy.deepcopy(template)
    for resource in placed["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": code}
    return placed
