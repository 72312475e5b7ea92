"""The nightly export in the template: nothing of it unless it is asked for, and a bucket that only
its owner reads.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from chalicelib.domain.figures.exports.night import HELD
from chalicelib.usecases.figures.exports.nightly import SECONDS
from local.aws.template import load
from ops.package.template import _document

ROOT = Path(__file__).parents[3]
TEMPLATE = load(ROOT / ".chalice" / "resources.yaml")
RESOURCES = TEMPLATE["Resources"]
BUCKET: dict[str, Any] = RESOURCES["ExportBucket"]
ROWS = yaml.safe_load((ROOT / ".chalice" / "permissions.yaml").read_text())


def statements() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _document("ExportNightly", {}, ROWS["ExportNightly"], (), None)[
        "Statement"
    ]
    return found


def test_it_is_off_unless_it_is_asked_for() -> None:
    assert TEMPLATE["Parameters"]["NightlyExport"]["Default"] == "false"
    for id in ("ExportBucket", "ExportBucketPolicy"):
        assert RESOURCES[id]["Condition"] == "ExportsNightly"
    function = RESOURCES["ExportNightly"]["Properties"]
    schedule = function["Events"]["ExportNightlyEvent"]["Properties"]
    assert schedule == {"State": {"Fn::If": ["ExportsNightly", "ENABLED", "DISABLED"]}}
    assert function["Environment"]["Variables"] == {
        "EXPORT_BUCKET": {"Fn::If": ["ExportsNightly", {"Ref": "ExportBucket"}, ""]}
    }


def test_the_rights_to_the_bucket_are_there_with_the_bucket() -> None:
    of_s3 = [one for one in statements() if "s3:" in json.dumps(one)]
    assert [one["Fn::If"][0] for one in of_s3] == ["ExportsNightly"] * 3
    assert [one["Fn::If"][2] for one in of_s3] == [{"Ref": "AWS::NoValue"}] * 3
    assert [(one["Fn::If"][1]["Action"], one["Fn::If"][1]["Resource"]) for one in of_s3] == [
        (["s3:PutObject"], [{"Fn::Sub": "${ExportBucket.Arn}/*"}]),
        (["s3:DeleteObject"], [{"Fn::Sub": "${ExportBucket.Arn}/*"}]),
        (["s3:ListBucket"], [{"Fn::GetAtt": ["ExportBucket", "Arn"]}]),
    ]


def test_no_other_function_may_do_anything_in_the_bucket() -> None:
    others = {id: rows for id, rows in ROWS.items() if id != "ExportNightly"}
    assert "s3:" not in json.dumps(others)


def test_nobody_may_read_the_bucket_from_outside_the_account() -> None:
    properties = BUCKET["Properties"]
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(properties["PublicAccessBlockConfiguration"]) == 4
    assert properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    (encryption,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def test_a_connection_without_tls_is_refused() -> None:
    (statement,) = RESOURCES["ExportBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == (
        "Deny",
        "*",
        "s3:*",
    )
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [
        {"Fn::GetAtt": ["ExportBucket", "Arn"]},
        {"Fn::Sub": "${ExportBucket.Arn}/*"},
    ]


def test_a_night_is_gone_after_the_days_that_the_page_on_personal_data_names() -> None:
    """With old versions of its files: there are none."""
    properties = BUCKET["Properties"]
    (rule,) = properties["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", 30)
    assert "Prefix" not in rule
    assert "VersioningConfiguration" not in properties
    rows = (ROOT / "docs" / "privacy.md").read_text().splitlines()
    (row,) = (one for one in rows if "nightly exports" in one and one.startswith("|"))
    assert row.split("|")[3].strip().startswith("30 days")


def test_a_bucket_with_files_outlives_the_setting_and_the_stack() -> None:
    assert BUCKET["DeletionPolicy"] == BUCKET["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_a_run_ends_before_another_may_take_the_night_over(stage: str) -> None:
    config = json.loads((ROOT / ".chalice" / "config.json").read_text())["stages"][stage]
    timeout = config["lambda_functions"]["export_nightly"]["lambda_timeout"]
    assert SECONDS + 60 < timeout < HELD.total_seconds() < 600
