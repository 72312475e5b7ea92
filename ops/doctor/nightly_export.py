"""Are the nightly exports there, each night, and for nobody else to read?"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.aws.jobs.job_states import JobStates
from chalicelib.domain.figures.exports.night import NightlyExport
from ops.doctor.findings import Finding, ok, unknown, wrong
from ops.doctor.site import Site

SUBJECT = "nightly export"
SETTING = "NightlyExport"
LATE = timedelta(hours=6)
"""How long after midnight in UTC a night may take before the doctor finds fault with it."""


def check_nightly_export(site: Site) -> Iterable[Finding]:
    """The bucket of the nightly exports, and the last night in it."""
    bucket = site.stage.outputs.get("ExportBucketName")
    if bucket is None:
        wants = site.stage.parameters.get(SETTING) == "true"
        yield (
            wrong(SUBJECT, "it is on, and there is no bucket", f"make deploy STAGE={site.name}")
            if wants
            else ok(SUBJECT, "off")
        )
        return
    s3 = site.session.client("s3")
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    yield from judge_bucket(bucket, block, rules, site.name)
    state = JobStates(site.stage.outputs["TableName"], site.session.client("dynamodb")).load(
        NightlyExport
    )
    yield judge_night(state, datetime.now(UTC), site.name)


def judge_bucket(
    bucket: str, block: dict[str, bool], rules: Iterable[dict[str, Any]], stage: str
) -> Iterable[Finding]:
    """Whether anybody changed what the template gives the bucket."""
    if len(block) < 4 or not all(block.values()):
        yield wrong(SUBJECT, f"{bucket} may become public", _again(bucket, stage))
    if not any("Expiration" in rule and rule["Status"] == "Enabled" for rule in rules):
        yield wrong(
            SUBJECT,
            f"nothing deletes old nights from {bucket}: who was erased stays in them",
            _again(bucket, stage),
        )


def judge_night(state: NightlyExport | None, now: datetime, stage: str) -> Finding:
    """Whether the last night is complete. The first begins within ten minutes."""
    if state is None:
        return unknown(SUBJECT, "no night was exported yet")
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    expected = (midnight if now >= midnight + LATE else midnight - timedelta(days=1)).date()
    if state.ended_at and state.night >= expected.isoformat():
        rows = ", ".join(f"{count:,} {table}" for table, count in state.rows.items())
        return ok(SUBJECT, f"the night of {state.night} is complete: {rows}")
    if state.night > expected.isoformat():
        return ok(SUBJECT, f"the night of {state.night} is being written")
    return wrong(
        SUBJECT,
        f"the night of {state.night} is "
        + ("the last one" if state.ended_at else f"not complete (at {state.phase})"),
        f"read the log of ExportNightly of the stage {stage} (docs/exports.md)",
    )


def _again(bucket: str, stage: str) -> str:
    return (
        f"set it back in the console of S3 ({bucket}), as .chalice/resources.yaml has it, or deploy"
        f" with --set {SETTING}=false and then true to the stage {stage}, which makes another"
    )
