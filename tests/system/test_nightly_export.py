"""A night in the running system: files in the emulator's S3, read as an analyst's program does."""

import re
from collections.abc import Callable
from typing import Any

from local.aws.resources import client
from local.client import Client
from tests.unit.domain.figures.exports.parquet_reading import read


def emulator_of(system: Client) -> str:
    """The emulator's address, as the control room's page has it."""
    status, page = system.call("GET", "/_local")
    assert status == 200
    (found,) = set(
        re.findall(r"http://127\.0\.0\.1:\d+", str(page).partition("AWS emulator")[2])[:1]
    )
    return str(found)


def folders(s3: Any, bucket: str) -> dict[str, list[str]]:
    """The names of the files by table and night."""
    found: dict[str, list[str]] = {}
    for one in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        folder, _, name = one["Key"].rpartition("/")
        found.setdefault(folder, []).append(name)
    return found


def test_each_night_has_its_files_and_who_was_erased_is_in_the_older_ones_alone(
    start_system: Callable[..., Client],
) -> None:
    system = start_system(NIGHTLY_EXPORT="true")
    status, made = system.post("/signups", {"email": "ada@example.com", "name": "Ada"})
    assert status == 201, made
    assert system.post("/_local/clock", {"advance": "2d"})[0] == 200
    s3 = client("s3", emulator_of(system))
    (bucket,) = (one["Name"] for one in s3.list_buckets()["Buckets"])
    first = folders(s3, bucket)
    assert {folder.partition("/")[0] for folder in first} == {
        "customers",
        "events",
        "revenue",
        "subscriptions",
    }
    for names in first.values():
        assert names == ["_SUCCESS", "part-00000.parquet"]
    nights = sorted(folder for folder in first if folder.startswith("customers/"))
    assert emails(s3, bucket, nights[-1]) == ["ada@example.com"]
    admin = Client(system.base, system.state()["admin_key"])
    assert admin.call("DELETE", f"/accounts/{made['account_id']}")[0] == 202
    assert system.post("/_local/clock", {"advance": "2d"})[0] == 200
    later = sorted(folder for folder in folders(s3, bucket) if folder.startswith("customers/"))
    assert later[: len(nights)] == nights
    assert emails(s3, bucket, later[-1]) == []


def emails(s3: Any, bucket: str, folder: str) -> list[str]:
    body = s3.get_object(Bucket=bucket, Key=f"{folder}/part-00000.parquet")["Body"].read()
    return [row["email"] for row in read(body)[1]]
