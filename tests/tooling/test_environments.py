"""What the first `make run` prints while it creates the virtual environments."""

import ast
import io
import subprocess
import sys
from pathlib import Path

import pytest

from local import environments
from local.environments import Progress, fingerprint, install

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
    progress = Progress(".venv", stream)
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


def test_pip_runs_again_after_a_first_failure(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys\n"
        "first = pathlib.Path(sys.argv[1])\n"
        "if not first.exists(): first.touch(); sys.exit('connection broken')\n"
        "print('Installing collected packages: six')\n"
        "print('Successfully installed six-1.17.0')\n"
    )
    stream = io.StringIO()
    install([sys.executable, "-c", program, str(tmp_path / "first")], Progress(".venv", stream))
    assert stream.getvalue() == (".venv: pip failed, trying again\n.venv: 1 packages installed\n")


def test_a_second_failure_shows_what_pip_said(capsys: pytest.CaptureFixture[str]) -> None:
    program = "import sys; print('Collecting six'); sys.exit('no such package')"
    with pytest.raises(subprocess.CalledProcessError):
        install([sys.executable, "-c", program], Progress(".venv", io.StringIO()))
    assert "no such package" in capsys.readouterr().err


def test_an_old_python_can_read_it_to_refuse_itself() -> None:
    tree = ast.parse(Path(environments.__file__).read_text(), feature_version=(3, 7))
    imported = {
        alias.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported <= sys.stdlib_module_names


def test_an_environment_is_made_once_and_again_when_its_requirements_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def make(name: str) -> None:
        made.append(fingerprint(name))
        (tmp_path / name).mkdir(exist_ok=True)

    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setattr(environments, "make", make)
    for requirements in ("six==1.16.0", "six==1.16.0", "six==1.17.0"):
        (tmp_path / "requirements-checks.txt").write_text(requirements)
        environments.ensure(".checks")
    assert len(made) == len(set(made)) == 2
