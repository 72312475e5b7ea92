"""A deployed stage for the operator's commands: its table, its queues and its secrets on moto, its
Stripe simulated in memory.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from chalicelib.aws import dynamo, queues
from chalicelib.aws.accounts import Accounts
from chalicelib.aws.events.timeline import Timelines
from chalicelib.aws.keys.api_keys import ApiKeys
from chalicelib.aws.mail.send_claims import SendClaims
from chalicelib.aws.mail.suppressions import Suppressions
from chalicelib.domain.account.facts import SignedUp
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.messaging.email_message import SendClaim
from chalicelib.domain.schedule.versions import next_version
from chalicelib.usecases.accounts.api_keys import create_key
from ops.__main__ import main
from ops.stage.stages import Stage, find_stage
from tests.adapters.aws.conftest import TABLE, table_definition
from tests.fakes.services import QUIET
from tests.fakes.simulated_lifecycles import SimTransport
from tests.fakes.stripe.sim import SimStage

QUEUES = {
    "EventsQueueUrl": "events",
    "DeadLettersQueueUrl": "dead",
    "ActQueueUrl": "act",
    "MailQueueUrl": "mail",
}
HASH_KEY = "hash-key-of-the-stage"
T = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass
class Deployed:
    """Stage dev with its resources."""

    dynamodb: Any
    outputs: dict[str, str]
    stripe: SimStage = field(default_factory=SimStage)

    @property
    def accounts(self) -> Accounts:
        return Accounts(TABLE, lambda: HASH_KEY, self.dynamodb)

    @property
    def stage(self) -> Stage:
        return find_stage("dev")

    def items(self, table: str = TABLE) -> list[Any]:
        """All items but those of the audit log, which commands add to."""
        found = self.every_item(table)
        return [item for item in found if not item["sk"]["S"].startswith("AUDIT#")]

    def every_item(self, table: str = TABLE) -> list[Any]:
        return sorted(
            self.dynamodb.scan(TableName=table)["Items"],
            key=lambda item: (item["pk"]["S"], item["sk"]["S"]),
        )

    def signs_up(self, id: str, email: str, now: datetime = T, **known: Any) -> Account:
        """A visitor's account before Stripe knows of it, with a timeline entry and a claim."""
        signup = Signup("pro", now + timedelta(days=14), now, identities=(f"email:{email}",))
        new = Account(id, **known)
        account = next_version(
            new, apply(new, SignedUp(signup, Profile(email, "Ada Byron"))), QUIET, now
        )
        self.accounts.save(Account(id), account)
        Timelines(TABLE, self.dynamodb).put(
            [
                Entry(
                    id,
                    now,
                    "happening",
                    f"{id}.0.1.trial.started",
                    "trial.started",
                    {"plan": "pro"},
                )
            ]
        )
        SendClaims(TABLE, self.dynamodb).take(
            SendClaim(id, "welcome@signup", "sent", now, 1, "ses-1"), None
        )
        return account

    def fill(self) -> str:
        """Something of every kind; gives an API key."""
        self.signs_up("acc_1", "ada@example.com")
        self.signs_up("acc_2", "eve@example.com")
        Suppressions(TABLE, lambda: HASH_KEY, self.dynamodb).add("bob@example.com", "complaint", T)
        return create_key(ApiKeys(TABLE, self.dynamodb), "read", "the product", T)


class _CloudFormation:
    def __init__(self, outputs: dict[str, str]) -> None:
        self._outputs = outputs

    def describe_stacks(self, StackName: str) -> Any:
        if StackName != "billhook-dev":
            raise ClientError(
                {
                    "Error": {
                        "Code": "ValidationError",
                        "Message": f"Stack with id {StackName} does not exist",
                    }
                },
                "DescribeStacks",
            )
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self._outputs.items()]
        return {
            "Stacks": [
                {"StackName": StackName, "StackStatus": "UPDATE_COMPLETE", "Outputs": outputs}
            ]
        }


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """A command's changes of the environment end with the test."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ |= before


@pytest.fixture
def deployed(aws: None, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """Stage dev is deployed, prod is not."""
    for name in ("TABLE_NAME", "STAGE", "STRIPE_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    for cached in (dynamo.client, queues.client):
        cached.cache_clear()
    dynamodb, sqs, ssm = boto3.client("dynamodb"), boto3.client("sqs"), boto3.client("ssm")
    dynamodb.create_table(**table_definition())
    outputs = {"TableName": TABLE, "ParametersPath": "/billhook-dev"}
    outputs |= {
        output: sqs.create_queue(QueueName=name)["QueueUrl"] for output, name in QUEUES.items()
    }
    grouped = {"FifoQueue": "true", "DeduplicationScope": "messageGroup"}
    made = sqs.create_queue(QueueName="deliveries.fifo", Attributes=grouped)
    outputs |= {"DeliveriesQueueUrl": made["QueueUrl"], "Webhooks": "true"}
    for name, value in {"hash-key": HASH_KEY, "stripe-api-key": "sk_test_1"}.items():
        ssm.put_parameter(Name=f"/billhook-dev/{name}", Value=value, Type="SecureString")
    place = Deployed(dynamodb, outputs)
    monkeypatch.setattr(
        "ops.stage.stages.boto3", SimpleNamespace(client=lambda service: _CloudFormation(outputs))
    )
    monkeypatch.setattr(
        "chalicelib.stripe_api.transport.StripeTransport", lambda *_: SimTransport(place.stripe)
    )
    return place


@dataclass
class Said:
    """A command's exit status and output."""

    status: int
    out: str
    err: str


@pytest.fixture
def ops(capsys: pytest.CaptureFixture[str]) -> Any:
    """`ops("accounts", "show", "acc_1")`, as it is typed."""

    def run(*arguments: str) -> Said:
        status = main(arguments)
        said = capsys.readouterr()
        return Said(status, said.out, said.err)

    return run
