"""Makes in the emulator what .chalice/resources.yaml declares: one source for what exists."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parseaddr
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local.aws import template

TEMPLATE = Path(__file__).parents[2] / ".chalice" / "resources.yaml"
# The emulator would reap expired items by the real clock, and ours is moved: no TTL. Backups and
# encryption it has no use for.
TABLE_PROPERTIES = (
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
)
QUEUE_ATTRIBUTES = (
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "VisibilityTimeout",
)


@dataclass(frozen=True, slots=True)
class Made:
    """One resource in the emulator: what Ref gives (a table's name, a queue's URL) and what GetAtt
    gives.
    """

    ref: str
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Resources:
    """What was made. `filters` are the patterns of the stream's source in the template: which
    records start `carry_out`.
    """

    made: dict[str, Made]
    variables: dict[str, str]
    filters: list[dict[str, Any]]

    def queue(self, logical_id: str) -> Made:
        """The queue of this name in the template. Raises KeyError if it has none."""
        return self.made[logical_id]

    @property
    def table_name(self) -> str:
        return self.made["BillingTable"].ref

    @property
    def stream_arn(self) -> str:
        return self.made["BillingTable"].attributes["StreamArn"]

    @property
    def events_queue_url(self) -> str:
        return self.made["EventsQueue"].ref

    @property
    def dead_letters_queue_url(self) -> str:
        return self.made["DeadLettersQueue"].ref

    @property
    def parameters_path(self) -> str:
        return self.variables["PARAMETERS_PATH"]

    def environment(self) -> dict[str, str]:
        """The variables that the functions read to find these resources, as the template gives them
        to every function.
        """
        return dict(self.variables)


def client(service: str, endpoint: str) -> Any:
    """A client for the emulator at `endpoint`, whatever the machine's own AWS settings say."""
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=20,
        proxies={},
        read_timeout=40,
    )
    return _session().client(  # type: ignore[call-overload]
        service,
        endpoint_url=endpoint,
        region_name=template.REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=config,
    )


@cache
def _session() -> boto3.session.Session:
    """One for all clients, so that what describes a service is read once. Clients are made by one
    thread.
    """
    return boto3.session.Session()


def create(
    endpoint: str, secrets: dict[str, str], prefix: str = "billhook-local", path: Path = TEMPLATE
) -> Resources:
    """Make the template's tables, queues, buckets and SES configuration sets, and the SSM
    parameters that hold `secrets` (by their names below the path).

    Every name begins with `prefix`, so several systems can share one emulator. Types that the
    emulator is not needed for are passed over.
    """
    content = template.load(path)
    maker = _Maker(endpoint, prefix, content)
    for logical_id, resource in content["Resources"].items():
        if resource.get("Type") in maker.makers:
            maker.make(logical_id)
    resources = Resources(maker.made, maker.variables(content), _stream_filters(content))
    ssm = client("ssm", endpoint)
    for name, value in secrets.items():
        ssm.put_parameter(
            Name=f"{resources.parameters_path}/{name}",
            Value=value,
            Type="SecureString",
            Overwrite=True,
        )
    return resources


def verify_senders(endpoint: str, senders: Iterable[str]) -> None:
    """Make SES take mail from these From addresses."""
    ses = client("sesv2", endpoint)
    for address in {parseaddr(sender)[1] for sender in senders}:
        ses.create_email_identity(EmailIdentity=address)


class _Maker:
    """Makes resources on first mention, so that a queue's dead letters exist before the queue."""

    def __init__(self, endpoint: str, prefix: str, content: dict[str, Any]) -> None:
        self.made: dict[str, Made] = {}
        self.makers = {
            "AWS::DynamoDB::Table": self._table,
            "AWS::SES::ConfigurationSet": self._configuration_set,
            "AWS::S3::Bucket": self._bucket,
            "AWS::SQS::Queue": self._queue,
        }
        self._resources = content["Resources"]
        self._parameters = {
            name: parameter.get("Default", "")
            for name, parameter in content.get("Parameters", {}).items()
        }
        self._pseudo = template.pseudo_parameters(prefix)
        self._prefix = prefix
        self._dynamodb, self._sqs = client("dynamodb", endpoint), client("sqs", endpoint)
        self._ses, self._s3 = client("sesv2", endpoint), client("s3", endpoint)

    def make(self, logical_id: str) -> Made:
        if logical_id not in self.made:
            resource = self._resources[logical_id]
            properties = template.resolve(resource.get("Properties", {}), self._look_up)
            self.made[logical_id] = self.makers[resource["Type"]](logical_id, properties)
        return self.made[logical_id]

    def variables(self, content: dict[str, Any]) -> dict[str, str]:
        """The environment that the template gives to every function."""
        wanted = (
            content.get("Globals", {})
            .get("Function", {})
            .get("Environment", {})
            .get("Variables", {})
        )
        return {name: str(value) for name, value in template.resolve(wanted, self._look_up).items()}

    def _look_up(self, name: str, attribute: str | None) -> Any:
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._parameters:
            return self._parameters[name]
        made = self.make(name)
        return made.ref if attribute is None else made.attributes[attribute]

    def _table(self, logical_id: str, properties: dict[str, Any]) -> Made:
        wanted = {key: properties[key] for key in TABLE_PROPERTIES if key in properties}
        if "StreamSpecification" in properties:
            wanted["StreamSpecification"] = {
                "StreamEnabled": True,
                **properties["StreamSpecification"],
            }
        name = properties.get("TableName") or f"{self._prefix}-{logical_id}"
        table = self._dynamodb.create_table(TableName=name, **wanted)["TableDescription"]
        return Made(name, {"Arn": table["TableArn"], "StreamArn": table.get("LatestStreamArn", "")})

    def _queue(self, logical_id: str, properties: dict[str, Any]) -> Made:
        attributes = {key: _text(properties[key]) for key in QUEUE_ATTRIBUTES if key in properties}
        if "RedrivePolicy" in properties:
            attributes["RedrivePolicy"] = json.dumps(properties["RedrivePolicy"])
        ending = ".fifo" if properties.get("FifoQueue") else ""
        name = properties.get("QueueName") or f"{self._prefix}-{logical_id}{ending}"
        url = self._sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])[
            "Attributes"
        ]["QueueArn"]
        return Made(url, {"Arn": arn, "QueueName": name, "QueueUrl": url})

    def _configuration_set(self, logical_id: str, properties: dict[str, Any]) -> Made:
        """Without its event destinations: the emulator makes no events."""
        name = properties.get("Name") or f"{self._prefix}-{logical_id}"
        self._ses.create_configuration_set(ConfigurationSetName=name)
        return Made(name, {})

    def _bucket(self, logical_id: str, properties: dict[str, Any]) -> Made:
        """Without its rules: the emulator deletes nothing by itself."""
        name = properties.get("BucketName") or f"{self._prefix}-{logical_id}".lower()
        self._s3.create_bucket(Bucket=name)
        return Made(name, {"Arn": f"arn:aws:s3:::{name}"})


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _stream_filters(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The FilterCriteria of the first DynamoDB source in the template, none if it has none."""
    for resource in content["Resources"].values():
        for event in (resource.get("Properties", {}).get("Events") or {}).values():
            properties = event.get("Properties", {})
            if "FilterCriteria" in properties and "Stream" in properties:
                return [
                    json.loads(each["Pattern"]) for each in properties["FilterCriteria"]["Filters"]
                ]
    return []
