"""What the doctor says of the nightly export."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from chalicelib.aws.jobs.job_states import JobStates
from chalicelib.domain.figures.exports.night import ACCOUNTS, NightlyExport
from chalicelib.values import replace
from local.aws.resources import TEMPLATE
from local.aws.template import load
from ops.doctor.findings import OK, UNKNOWN, WRONG
from ops.doctor.nightly_export import check_nightly_export, judge_bucket, judge_night
from tests.adapters.aws.conftest import TABLE, table_definition

BUCKET = load(TEMPLATE)["Resources"]["ExportBucket"]["Properties"]
BLOCK = BUCKET["PublicAccessBlockConfiguration"]
RULES = [{"ID": "nights", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 30}}]
NOON, EARLY = (datetime(2026, 3, 3, hour, tzinfo=UTC) for hour in (12, 1))


def night(of: str, ended: bool) -> NightlyExport:
    return NightlyExport(
        of, NOON, phase=ACCOUNTS, rows={"customers": 1200}, ended_at=NOON if ended else None
    )


@pytest.mark.parametrize(
    ("state", "now", "found"),
    [
        (None, NOON, UNKNOWN),
        (night("2026-03-03", True), NOON, OK),
        (night("2026-03-02", True), EARLY, OK),
        (night("2026-03-03", False), EARLY, OK),
        (night("2026-03-02", True), NOON, WRONG),
        (night("2026-03-03", False), NOON, WRONG),
        (night("2026-02-20", True), EARLY, WRONG),
    ],
)
def test_a_night_is_missed_six_hours_after_midnight(
    state: NightlyExport | None, now: datetime, found: str
) -> None:
    assert judge_night(state, now, "dev").state == found


def test_the_bucket_as_it_is_deployed_is_fine() -> None:
    assert list(judge_bucket("b", BLOCK, RULES, "dev")) == []


@pytest.mark.parametrize(
    ("block", "rules", "says"),
    [
        (BLOCK | {"RestrictPublicBuckets": False}, RULES, "public"),
        ({"BlockPublicAcls": True}, RULES, "public"),
        (BLOCK, [], "erased"),
        (BLOCK, [RULES[0] | {"Status": "Disabled"}], "erased"),
    ],
)
def test_a_bucket_that_somebody_changed_is_wrong(block: Any, rules: Any, says: str) -> None:
    (finding,) = judge_bucket("b", block, rules, "dev")
    assert finding.state == WRONG
    assert says in finding.says


def site(outputs: dict[str, str], setting: str) -> Any:
    stage = SimpleNamespace(outputs=outputs, parameters={"NightlyExport": setting})
    return SimpleNamespace(name="dev", stage=stage, session=boto3.Session())


@pytest.mark.parametrize(("setting", "found"), [("false", OK), ("true", WRONG)])
def test_without_a_bucket_it_is_off_or_not_yet_deployed(
    aws: None, setting: str, found: str
) -> None:
    (finding,) = check_nightly_export(site({}, setting))
    assert finding.state == found


def test_a_stage_with_a_bucket_is_looked_at(aws: None) -> None:
    s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
    s3.create_bucket(Bucket="nights")
    s3.put_public_access_block(Bucket="nights", PublicAccessBlockConfiguration=BLOCK)
    s3.put_bucket_lifecycle_configuration(Bucket="nights", LifecycleConfiguration={"Rules": RULES})
    dynamodb.create_table(**table_definition())
    (finding,) = check_nightly_export(
        site({"ExportBucketName": "nights", "TableName": TABLE}, "true")
    )
    assert finding.state == UNKNOWN
    today = datetime.now(UTC).date().isoformat()
    states = JobStates(TABLE, dynamodb)
    states.save(night(today, True), replace(night(today, True), version=1))
    (finding,) = check_nightly_export(
        site({"ExportBucketName": "nights", "TableName": TABLE}, "true")
    )
    assert finding.state == OK
    assert "1,200 customers" in finding.says
