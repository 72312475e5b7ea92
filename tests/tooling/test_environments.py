"""What the first `make run` prints while it creates the virtual environments."""

import ast
import io
import sys
import threading
from pathlib import Path

import pytest

from local import environments
from local.environments import Display, Maker, Progress

PIP = """\
Collecting boto3==1.44.5 (from -r requirements.txt (line 1))
  Using cached boto3-1.44.5-py3-none-any.whl (140 kB)
Collecting six
Installing collected packages: six, boto3
Successfully installed boto3-1.44.5 six-1.17.0
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(stream: io.StringIO) -> str:
    progress = Progress(".venv", Display(stream))
    progress.begin("installing requirements.txt")
    for line in PIP.splitlines(keepends=True):
        progress.read(line)
    return stream.getvalue()


def test_a_log_has_the_first_and_the_last_line_of_the_progress() -> None:
    assert told(io.StringIO()) == (
        ".venv: installing requirements.txt\n.venv: 2 packages installed\n"
    )


def test_a_terminal_gets_one_line_that_changes() -> None:
    shown = told(Terminal()).replace("\r\x1b[K", "|")
    assert shown == (
        "|.venv: installing requirements.txt\n"
        "|.venv: 1 packages found, boto3==1.44.5"
        "|.venv: 2 packages found, six"
        "|.venv: installing 2 packages"
        "|.venv: 2 packages installed\n"
    )


def test_two_environments_share_the_line_that_changes() -> None:
    stream = Terminal()
    display = Display(stream)
    display.update(".venv", "2 packages found")
    display.update(".emulator", "installing 3 packages")
    display.line(".venv", "2 packages installed")
    assert stream.getvalue().replace("\r\x1b[K", "|") == (
        "|.venv: 2 packages found"
        "|.venv: 2 packages found · .emulator: installing 3 packages"
        "|.venv: 2 packages installed\n"
        "|.emulator: installing 3 packages"
    )


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where environments are made by a pip that does as its requirements say."""
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setattr(
        environments, "REQUIREMENTS", {".a": ("run.txt", "dev.txt"), ".b": ("b.txt",)}
    )
    for name in ("run.txt", "dev.txt", "b.txt"):
        (tmp_path / name).write_text(f"Successfully installed six, for {name}")
    return tmp_path


class Made(Maker):
    """Makes no environment: its pip is a program that prints its requirements."""

    def __init__(self) -> None:
        super().__init__(Display(sys.stderr))
        self.did: list[str] = []

    def create(self, name: str) -> None:
        self.did.append(f"create {name}")
        program = environments.ROOT / name / "bin" / "python"
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(PROGRAM)
        program.chmod(0o755)

    def install(self, name: str, source: str, progress: Progress) -> None:
        self.did.append(f"install {source}")
        super().install(name, source, progress)


PROGRAM = """\
#!/bin/sh
for source; do :; done
echo "Installing collected packages: six"
if grep -q broken $source; then sed -i s/broken/Successfully/ $source; exit 1; fi
cat $source
! grep -q missing $source
"""


def test_pip_runs_again_after_a_first_failure(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "b.txt").write_text("broken installed six-1.17.0")
    assert Made().make_all([".b"], to_run=False) == []
    assert capsys.readouterr().err == (
        ".b: installing b.txt\n.b: pip failed, trying again\n.b: 1 packages installed\n"
    )


def test_a_second_failure_shows_what_pip_said_and_keeps_no_other_from_being_made(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "b.txt").write_text("missing package")
    assert Made().make_all([".b", ".a"], to_run=False) == [".b"]
    assert "missing package" in capsys.readouterr().err
    assert not (root / ".b" / "made-of").exists()
    assert (root / ".a" / "made-of").exists()


def test_an_environment_is_made_once_and_again_when_its_requirements_change(root: Path) -> None:
    made = Made()
    for requirements in ("six==1.16.0", "six==1.16.0", "six==1.17.0"):
        (root / "b.txt").write_text(requirements)
        made.ensure(".b")
    assert made.did == ["create .b", "install b.txt"] * 2


def test_what_tests_need_is_added_to_what_running_needs_and_is_enough_to_run(root: Path) -> None:
    made = Made()
    for to_run in (True, True, False, True, False):
        made.ensure(".a", to_run)
    assert made.did == ["create .a", "install run.txt", "install dev.txt"]


def test_both_are_made_at_once(root: Path) -> None:
    both = threading.Barrier(2, timeout=30)

    class Waiting(Made):
        def install(self, name: str, source: str, progress: Progress) -> None:
            both.wait()
            super().install(name, source, progress)

    assert Waiting().make_all([".a", ".b"], to_run=True) == []


def test_an_old_python_can_read_it_to_refuse_itself() -> None:
    tree = ast.parse(Path(environments.__file__).read_text(), feature_version=(3, 7))
    imported = {
        (alias.name if isinstance(node, ast.Import) else str(node.module)).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported <= sys.stdlib_module_names
