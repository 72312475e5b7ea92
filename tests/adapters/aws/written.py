"""A sample of what this release writes, with every field set: `python -m
tests.adapters.aws.written` stores it for the present schema version.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from chalicelib.aws.accounts import Accounts
from chalicelib.aws.events.timeline import Timelines
from chalicelib.aws.idempotency import StoredResponses
from chalicelib.aws.items import account_item
from chalicelib.aws.jobs.replan_state import ReplanStates
from chalicelib.aws.keys.api_keys import ApiKeys
from chalicelib.aws.mail.send_claims import SendClaims
from chalicelib.aws.mail.suppressions import Suppressions
from chalicelib.aws.rate_counters import RateCounters
from chalicelib.aws.schema_versions import SHAPE
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.idempotency import StoredResponse
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.messaging.email_message import SendClaim
from chalicelib.domain.reconciliation.replan import ReplanState
from chalicelib.domain.security.api_keys import ApiKey
from tests.adapters.aws.conftest import TABLE

KEPT = Path(__file__).parent / "written"
CURRENT = KEPT / f"shape_{SHAPE}_every_field.json"
BESIDE = KEPT / "beside_accounts.json"
T = datetime(2026, 3, 2, 9, tzinfo=UTC)

_PLAIN: dict[Any, Any] = {
    str: "text",
    int: 7,
    bool: True,
    datetime: T,
    date: T.date(),
    timedelta: timedelta(days=1),
    Any: "anything",
}


def filled(hint: Any, inside: Mapping[Any, Any] | None = None) -> Any:
    """A value of the type with every field set, at every depth: a field added anywhere changes
    the sample.
    """
    hint = (inside or {}).get(hint, hint)
    if hint in _PLAIN:
        return _PLAIN[hint]
    kind, arguments = get_origin(hint) or hint, get_args(hint)
    if kind in (Union, UnionType):
        return filled(next(one for one in arguments if one is not NoneType), inside)
    if is_dataclass(kind) and isinstance(kind, type):
        parameters = getattr(kind, "__parameters__", ())
        hints = get_type_hints(kind)
        known = (
            dict(zip(parameters, arguments, strict=True))
            if arguments
            else {one: _bound(one) for one in parameters}
        )
        return kind(**{one.name: filled(hints[one.name], known) for one in fields(kind)})
    if kind is tuple:
        return (filled(arguments[0], inside),)
    if issubclass(kind, Mapping):
        return {filled(arguments[0], inside): filled(arguments[1], inside)}
    raise AssertionError(f"nothing to fill {hint} with")


def _bound(parameter: TypeVar) -> Any:
    return parameter.__constraints__[0]


def account() -> Any:
    """The item of an account with everything."""
    return account_item(filled(Account))


def beside(dynamodb: Any) -> list[Any]:
    """One of each other item, by key, from an empty table."""
    Accounts(TABLE, lambda: "key", dynamodb).save(Account("text"), filled(Account))
    Timelines(TABLE, dynamodb).put([filled(Entry)])
    SendClaims(TABLE, dynamodb).take(filled(SendClaim), None)
    StoredResponses(TABLE, dynamodb).keep(filled(StoredResponse))
    ApiKeys(TABLE, dynamodb).add(filled(ApiKey))
    ApiKeys(TABLE, dynamodb).revoke("text", T)
    Suppressions(TABLE, lambda: "key", dynamodb).add("ada@example.com", "bounce", T)
    RateCounters(TABLE, lambda: "key", dynamodb).count(
        "signups-of", "ada@example.com", timedelta(hours=1), T
    )
    ReplanStates(TABLE, dynamodb).save(ReplanState("hash"), filled(ReplanState))
    items = [
        item for item in dynamodb.scan(TableName=TABLE)["Items"] if item["sk"] != {"S": "ACCOUNT"}
    ]
    for item in items:
        item.pop("taken_by", None)  # of its own each time
    return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


def text(value: Any) -> str:
    """The text of the sample. Bytes are in base64, as in DynamoDB's own JSON."""
    return json.dumps(value, indent=1, sort_keys=True, default=_base64) + "\n"


def _base64(value: bytes) -> str:
    return b64encode(value).decode()


def main() -> None:
    import os

    import boto3

    from tests.adapters.aws.conftest import table_definition
    from tests.adapters.aws.on_moto import mocked_aws

    os.environ.update(
        AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_DEFAULT_REGION="us-east-1"
    )
    CURRENT.write_text(text(account()))
    with mocked_aws():
        dynamodb: Any = boto3.client("dynamodb")
        dynamodb.create_table(**table_definition())
        BESIDE.write_text(text(beside(dynamodb)))


if __name__ == "__main__":
    main()
