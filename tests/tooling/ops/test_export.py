"""Exporting all data: every item, readable without Billhook, complete wherever it was
interrupted.
"""

import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.aws.rate_counters import RateCounters
from chalicelib.domain.errors import Unavailable
from ops.export import export as exporting
from ops.export.lines import FILES, line_of
from tests.adapters.aws.conftest import TABLE
from tests.tooling.ops.conftest import HASH_KEY, Deployed, T


def lines(folder: Path, name: str) -> list[Any]:
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]


def test_every_item_is_in_a_file_with_our_names_and_iso_times(
    deployed: Deployed, ops: Any, tmp_path: Path
) -> None:
    token, folder = deployed.fill(), tmp_path / "out"
    deployed.accounts.erase(deployed.signs_up("acc_3", "gone@example.com"), T)
    RateCounters(TABLE, lambda: HASH_KEY, deployed.dynamodb).count(
        "signups-of", "ada@example.com", timedelta(hours=1), T
    )
    deployed.dynamodb.put_item(
        TableName=TABLE,
        Item={
            "pk": {"S": "NEW#1"},
            "sk": {"S": "NEW"},
            "of": {"M": {"n": {"L": [{"N": "1"}, {"NULL": True}]}}},
        },
    )
    said = ops("export", "--stage", "dev", str(folder))
    assert (said.status, said.out.split(" are in ")[0]) == (
        0,
        f"{len(deployed.every_item())} items",
    )
    ada = next(line for line in lines(folder, "accounts") if line["id"] == "acc_1")
    assert ada["profile"]["email"] == "ada@example.com"
    assert ada["signup"]["trial_ends_at"] == "2026-03-16T09:00:00Z"
    assert ada["standing"]["access"] == "full"
    (note,) = [line for line in lines(folder, "timeline") if line["account_id"] == "acc_1"]
    assert (note["type"], note["at"], note["data"]) == (
        "trial.started",
        "2026-03-02T09:00:00.000000Z",
        {"plan": "pro"},
    )
    assert {
        "account_id": "acc_1",
        "message": "welcome@signup",
        "state": "sent",
        "message_id": "ses-1",
    }.items() <= lines(folder, "messages")[0].items()
    assert {line["kind"] for line in lines(folder, "pointers")} == {"email", "trial"}
    (suppressed,) = lines(folder, "suppressions")
    assert suppressed["reason"] == "complaint"
    assert len(suppressed["hash"]) == 40
    (key,) = lines(folder, "keys")
    assert (key["name"], key["scope"]) == ("the product", "read")
    assert sorted(line["pk"].partition("#")[0] for line in lines(folder, "others")) == [
        "LIMIT",
        "NAME",
        "NAME",
        "NEW",
    ]
    assert {"n": [1, None]} in [line.get("of") for line in lines(folder, "others")]
    assert len(lines(folder, "erased")) == 1
    everything = "".join(path.read_text() for path in folder.iterdir())
    assert token.split("_", 2)[2] not in everything
    assert "secret_hash" not in everything
    for address in ("bob@example.com", "gone@example.com"):
        assert address not in everything, "suppressed and erased addresses are hashes"


def test_the_readme_says_what_every_file_is_and_what_the_scan_can_promise(
    deployed: Deployed, ops: Any, tmp_path: Path
) -> None:
    deployed.fill()
    ops("export", "--table", TABLE, str(tmp_path / "out"))
    readme = (tmp_path / "out" / "README.md").read_text()
    for name in FILES:
        assert f"| {name}.jsonl | {len(lines(tmp_path / 'out', name))} |" in readme
    assert "Each item is as it was when it was read." in readme
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").iterdir()} == {0o600}


@pytest.mark.parametrize("broken_at", range(1, 9))
def test_an_export_that_was_interrupted_goes_on_and_has_every_item_once(
    deployed: Deployed, ops: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken_at: int
) -> None:
    deployed.fill()
    monkeypatch.setattr(exporting, "A_PAGE", 2)
    keep, kept, folder = exporting._keep, [0], tmp_path / "out"

    def break_off(*arguments: Any) -> None:
        kept[0] += 1
        if kept[0] == broken_at:
            raise Unavailable("DynamoDB cannot be reached: EndpointConnectionError.")
        keep(*arguments)

    monkeypatch.setattr(exporting, "_keep", break_off)
    said = ops("export", "--stage", "dev", str(folder))
    interrupted = broken_at <= (len(deployed.every_item()) + 1) // 2 + 1
    assert said.status == int(interrupted)
    if interrupted:
        assert "cannot be reached" in said.err
        is_whole = (folder / "README.md").exists()
        endings = {path.suffix for path in folder.glob("*.jsonl*")}
        assert endings <= {".jsonl" if is_whole else ".part"}
        assert ops("export", "--stage", "dev", str(folder)).status == 0
    expected: dict[str, list[Any]] = {name: [] for name in FILES}
    for item in deployed.every_item():
        name, line = line_of(item)
        expected[name].append(json.loads(json.dumps(line)))
    assert not list(folder.glob("*.part"))
    # The second run adds to the audit log where the first one may have been already.
    for name in FILES.keys() - {"audit"}:
        assert sorted(map(json.dumps, lines(folder, name))) == sorted(
            map(json.dumps, expected[name])
        )


def test_a_folder_that_is_not_empty_is_left_as_it_is(
    deployed: Deployed, ops: Any, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    said = ops("export", "--stage", "dev", str(tmp_path))
    assert (said.status, said.err) == (1, f"{tmp_path} is not empty: name a folder that is new.\n")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert ops("export", "--stage", "dev", str(tmp_path / "out")).status == 0
    said = ops("export", "--stage", "dev", str(tmp_path / "out"))
    assert (said.status, "holds an export of billing" in said.err) == (1, True)
    said = ops("export", "--stage", "dev", str(tmp_path / "mine.txt"))
    assert (said.status, "cannot be written to" in said.err) == (1, True)


def test_a_folder_with_another_progress_file_is_refused(
    deployed: Deployed, ops: Any, tmp_path: Path
) -> None:
    for text in ("[]", '{"other": 1}'):
        (tmp_path / "export.json").write_text(text)
        said = ops("export", "--stage", "dev", str(tmp_path))
        assert (said.status, said.err) == (
            1,
            (
                f"{tmp_path}/export.json does not say how far an export is: name a folder that is"
                " new.\n"
            ),
        )


def test_a_stage_that_is_not_there_is_an_error(
    deployed: Deployed, ops: Any, tmp_path: Path
) -> None:
    for stage, error in {"prod": "Stage prod is not deployed here", "test": "Which stage?"}.items():
        said = ops("export", "--stage", stage, str(tmp_path / "out"))
        assert said.status == 1
        assert said.err.startswith(error)
    said = ops("export", "--table", "none", str(tmp_path / "out"))
    assert (said.status, said.err) == (1, "The table none cannot be read: there is none here.\n")
    assert not (tmp_path / "out").exists()


def test_an_account_of_a_newer_release_stops_the_export_with_a_reason(
    deployed: Deployed, ops: Any, tmp_path: Path
) -> None:
    deployed.fill()
    (younger,) = [
        item
        for item in deployed.items()
        if item["pk"] == {"S": "ACCOUNT#acc_1"} and item["sk"] == {"S": "ACCOUNT"}
    ]
    deployed.dynamodb.put_item(TableName=TABLE, Item=younger | {"shape": {"N": "99"}})
    said = ops("export", "--stage", "dev", str(tmp_path / "out"))
    assert said.status == 1
    assert "schema version 99 by a newer release" in said.err
