"""Every package that is installed here or on Lambda is one whose hash this repository names."""

import ast
import re
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from chalicelib.domain.errors import InvalidInput
from local.environments import REQUIREMENTS
from ops.package.libraries import PLATFORMS, add_libraries, unpack
from tests.tooling.source_files import ROOT, paths, source

FILES = sorted(path.name for path in ROOT.glob("requirements*.txt"))
PINNED = re.compile(r"([a-z0-9-]+)==([^ ]+)( ; [^\\]+)?(?: --hash=sha256:[0-9a-f]{64})+")
RUN_BY_SHELL = ("Makefile", *(str(path.relative_to(ROOT)) for path in (ROOT / ".ci").iterdir()))
INSTALLERS = re.compile(
    r"\b(?:pip3?|uv|pipx|npm|pnpm|yarn)\s+(?:pip\s+)?(?:install|download|wheel|sync|add|i|ci)\b"
    r"|\b(?:curl|wget|npx|uvx)\s+[-'\"$h]|\beasy_install\b"
)
DEMANDED = ("--require-hashes", "--only-binary")


def requirements(file: str) -> list[str]:
    """The lines of a requirements file: continued lines are one, without comments."""
    text = (ROOT / file).read_text().replace(" \\\n", "")
    lines = (re.sub(r"\s+", " ", line) for line in text.splitlines())
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def pins(file: str) -> dict[str, str]:
    """The version of each package of a requirements file."""
    return {
        line.partition("==")[0]: line.partition("==")[2].split()[0] for line in requirements(file)
    }


OURS = {"app", "product", "workspaces"}
"""Modules of this repository in no package: the Chalice app, and those of the example product."""


def normal(name: str) -> str:
    """A package's name as the files write it, without extras and versions."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~ ;]", name)[0]).lower()


@pytest.mark.parametrize("file", FILES)
def test_each_requirement_has_one_version_and_the_hashes_of_its_files(file: str) -> None:
    lines = requirements(file)
    assert [line for line in lines if not PINNED.fullmatch(line)] == []
    assert len(lines) > 10


@pytest.mark.parametrize("file", FILES)
def test_a_requirements_file_names_no_place_that_packages_come_from(file: str) -> None:
    assert re.findall(r"\S*://\S*|.*--\S*(?:index|find-links)\S*", (ROOT / file).read_text()) == []


def test_each_requirements_file_is_installed_by_an_environment_or_goes_to_lambda() -> None:
    installed = [file for files in REQUIREMENTS.values() for file in files]
    assert sorted([*installed, "requirements.txt"]) == FILES


def test_what_runs_on_lambda_has_no_boto3_and_no_chalice() -> None:
    assert pins("requirements.txt").keys().isdisjoint({"boto3", "botocore", "chalice"})


def test_the_tests_run_with_the_versions_that_run_on_lambda_and_here() -> None:
    on_lambda, here = pins("requirements.txt").items(), pins("requirements-run.txt").items()
    assert on_lambda <= here <= pins("requirements-dev.txt").items()


def test_what_is_started_here_imports_nothing_that_only_tests_need() -> None:
    distributions, installed = packages_distributions(), pins("requirements-run.txt")
    libraries = {
        (file.path, library)
        for file in (source(path) for path in paths("chalicelib", "local", "ops"))
        for library in {name.partition(".")[0] for name in file.imports}
        if library not in sys.stdlib_module_names and not (ROOT / library).exists()
    }
    missing = {
        (path, library)
        for path, library in libraries
        if library not in OURS
        and not library.startswith("mypy_boto3_")
        and installed.keys().isdisjoint(map(normal, distributions[library]))
    }
    assert missing == {("ops/mail/build.py", "mjml")}


def test_what_pyproject_names_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    named = {"requirements.txt": project["project"]["dependencies"]} | {
        f"requirements-{group}.txt": [name for name in names if isinstance(name, str)]
        for group, names in project["dependency-groups"].items()
    }
    assert sorted(named) == FILES
    assert {
        file: missing
        for file, names in named.items()
        if (missing := {normal(name) for name in names} - pins(file).keys())
    } == {}


def unchecked_installs(text: str) -> list[str]:
    """The lines of a text that fetch something and check no hash of it."""
    return [
        line
        for line in text.replace("\\\n", " ").splitlines()
        if INSTALLERS.search(line) and not all(word in line for word in DEMANDED)
    ]


def calls_of_pip(tree: ast.AST) -> Iterator[tuple[int, list[str]]]:
    """The line and the words of each function that calls pip to install or to download."""
    for node in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        words = [
            inner.value
            for inner in ast.walk(node)
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str)
        ]
        if "pip" in words and {"install", "download", "wheel"} & set(words):
            yield node.lineno, words


def unchecked_calls(tree: ast.AST) -> list[int]:
    """The lines of the functions that call pip and check no hash."""
    return [
        line
        for line, words in calls_of_pip(tree)
        if not all(any(word.startswith(one) for word in words) for one in DEMANDED)
    ]


@pytest.mark.parametrize("file", RUN_BY_SHELL)
def test_no_script_installs_a_package_without_its_hash(file: str) -> None:
    assert unchecked_installs((ROOT / file).read_text()) == []


def test_no_program_installs_a_package_without_its_hash() -> None:
    sources = [source(path) for path in paths("local", "ops", "bench", "chalicelib")]
    assert {file.path: found for file in sources if (found := unchecked_installs(file.text))} == {}
    callers = [file for file in sources if list(calls_of_pip(file.tree))]
    assert {file.path: unchecked_calls(file.tree) for file in callers} == {
        "bench/peers/environments.py": [],
        "local/environments.py": [],
        "ops/package/libraries.py": [],
    }


def test_an_install_without_hashes_would_be_found() -> None:
    assert unchecked_installs("\t@.x/bin/python -m pip install \\\n\t\t-r requirements.txt\n")
    assert unchecked_installs("pip install --only-binary :all: -r requirements.txt")
    assert not unchecked_installs("pip install --require-hashes --only-binary :all: -r x.txt")
    assert unchecked_calls(ast.parse("def f():\n run(['python', '-m', 'pip', 'install', 'x'])"))


def wheel(folder: Path, name: str = "parcel", entry: str = "parcel/__init__.py") -> Path:
    """A wheel with one module, and a program, as an index would serve it."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, "WEIGHT = 3\n")
        archive.writestr(f"{name}-1.0.data/scripts/parcel", "#!python\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def test_the_package_takes_a_library_by_its_hash_and_refuses_another_file_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf, asked, code = tmp_path / "shelf", tmp_path / "asked.txt", tmp_path / "code"
    shelf.mkdir()
    code.mkdir()
    for name, value in {
        "NO_INDEX": "1",
        "FIND_LINKS": str(shelf),
        "CONFIG_FILE": "/dev/null",
    }.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    asked.write_text(f"parcel==1.0 --hash=sha256:{sha256(wheel(shelf).read_bytes()).hexdigest()}\n")
    add_libraries(asked, "arm64", code)
    assert {str(path.relative_to(code)) for path in code.rglob("*") if path.is_file()} == {
        "parcel/__init__.py",
        *(f"parcel-1.0.dist-info/{name}" for name in ("METADATA", "RECORD", "WHEEL")),
    }
    wheel(shelf, entry="parcel/added.py")
    with pytest.raises(InvalidInput, match="DO NOT MATCH THE HASHES"):
        add_libraries(asked, "arm64", code)
    asked.write_text("parcel==1.0\n")
    with pytest.raises(InvalidInput, match="hash"):
        add_libraries(asked, "arm64", code)
    assert not (code / "parcel" / "added.py").exists()


def test_data_that_lambda_has_no_place_for_is_not_left_out_in_silence(tmp_path: Path) -> None:
    odd = wheel(tmp_path, entry="parcel-1.0.data/data/etc/parcel.conf")
    with pytest.raises(InvalidInput, match=r"parcel\.conf"):
        unpack(odd, tmp_path / "code")


def test_libraries_are_known_for_each_architecture_that_can_be_deployed() -> None:
    assert set(PLATFORMS) == {"arm64", "x86_64"}
