"""`make run POLICY=path`: the local system with another billing.toml."""

import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.services import ROOT
from tests.system.conftest import free_port, systems

SHIPPED = (ROOT / "chalicelib" / "billing.toml").read_text()


def test_the_system_keeps_to_the_policy_that_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "billing.toml"
    mine.write_text(SHIPPED.replace("\ndays = 14\n", "\ndays = 3\n"))
    monkeypatch.setenv("POLICY", str(mine))
    with systems() as start:
        system = start()
        now = datetime.fromisoformat(system.state()["now"])
        status, body = system.post("/signups", {"email": "ada@example.com"})
        assert status == 201, body
        lasts = datetime.fromisoformat(body["trial_ends_at"]) - now
        assert timedelta(days=2, hours=23) < lasts < timedelta(days=3, minutes=5)


@pytest.mark.parametrize(
    ("text", "told"),
    [(SHIPPED.replace("\ndays = 14\n", "\ndays = 0\n"), "trial.days"), (None, "cannot be read")],
)
def test_a_policy_that_cannot_be_used_is_named_and_nothing_is_started(
    tmp_path: Path, text: str | None, told: str
) -> None:
    mine = tmp_path / "billing.toml"
    if text:
        mine.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "local", "run", "--port", str(free_port())],
        env=os.environ | {"POLICY": str(mine)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "AWS emulator" in done.stderr) == (1, False)
    assert told in done.stderr
