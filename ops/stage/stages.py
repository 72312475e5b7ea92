"""A deployed stage, as CloudFormation describes it."""

import argparse
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.errors import InvalidInput

STAGES = ("dev", "prod")
CONFIG = Path(__file__).parents[2] / ".chalice" / "config.json"


@dataclass(frozen=True, slots=True)
class Stage:
    """The stack of one stage. `outputs` and `parameters` are the stack's own, by name."""

    name: str
    stack: str
    status: str
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]


def add_stage(parser: argparse.ArgumentParser) -> None:
    """Add the option that names a stage: --stage, or $STAGE."""
    parser.add_argument(
        "--stage",
        default=os.environ.get("STAGE"),
        help="the deployed stage to act on (default: $STAGE)",
    )


def stage_name(options: argparse.Namespace) -> str:
    """The stage that was named. Raises InvalidInput if none was, or one that .chalice/config.json
    does not have.
    """
    if options.stage not in STAGES:
        raise InvalidInput(
            f"Which stage? Give --stage {' or '.join(STAGES)}, or set $STAGE.", "stage"
        )
    return str(options.stage)


def stack_name(stage: str) -> str:
    """The name of a stage's stack."""
    return f"billhook-{stage}"


def stage_variables(stage: str) -> dict[str, str]:
    """The environment that .chalice/config.json gives to the functions of a stage."""
    config = json.loads(CONFIG.read_text())
    return {**config["environment_variables"], **config["stages"][stage]["environment_variables"]}


class CloudFormation(Protocol):
    """The part of boto3's client that describes stacks."""

    def describe_stacks(self, *, StackName: str) -> Mapping[str, Any]:
        """DescribeStacks, as the CloudFormation API documents it."""


def find_stage(name: str, cloudformation: CloudFormation | None = None) -> Stage:
    """The stage's stack. Raises InvalidInput if it was never deployed, or AWS cannot be reached."""
    try:
        client: CloudFormation = cloudformation or boto3.client("cloudformation")
        stack = client.describe_stacks(StackName=stack_name(name))["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            raise InvalidInput(
                f"Stage {name} is not deployed here: make deploy STAGE={name} does it.", "stage"
            ) from error
        raise InvalidInput(
            f"CloudFormation refuses to tell of stage {name}: {error.response['Error']['Code']}.",
            "stage",
        ) from error
    except BotoCoreError as error:
        raise InvalidInput(f"AWS cannot be asked: {error}", "stage") from error
    return Stage(
        name=name,
        stack=stack["StackName"],
        status=stack["StackStatus"],
        outputs={one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])},
        parameters={
            one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])
        },
    )


def add_table(parser: argparse.ArgumentParser) -> None:
    """Add the options that name a table: --table or $TABLE_NAME, else its stage."""
    parser.add_argument(
        "--table",
        default=os.environ.get("TABLE_NAME"),
        help="the table itself, instead of a stage's (default: $TABLE_NAME)",
    )
    add_stage(parser)


def table_of(options: argparse.Namespace) -> str:
    """The table to act on. Raises InvalidInput."""
    return (
        str(options.table)
        if options.table
        else find_stage(stage_name(options)).outputs["TableName"]
    )
