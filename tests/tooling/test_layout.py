"""The layout of the code: folders of few entries, no import circles, lines of 100 columns, and no
retired name.
"""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.services import ROOT
from tests.tooling.source_files import FOLDERS, Source, paths, source

MOST_ENTRIES = 20
"""Modules and packages of one folder: as many as fit into one look."""

COLUMNS = 100

RETIRED: dict[str, Any] = tomllib.loads(Path(__file__).with_name("retired_names.toml").read_text())
RETIRED_IN_TESTS = {old: new for words in RETIRED["modules"].values() for old, new in words.items()}


@pytest.mark.parametrize("path", paths(*FOLDERS))
def test_a_file_has_short_lines_and_no_retired_name(path: str) -> None:
    file = source(path)
    assert [*long_lines(file), *retired_names(file)] == []


def test_a_module_that_a_comment_names_exists() -> None:
    """`see aws/accounts.py` may leave out the first folders."""
    there = paths(*FOLDERS)
    named = {
        name
        for path in there
        if not path.startswith("tests/")
        for name in re.findall(r"\b\w+(?:/\w+)+\.py\b", source(path).text)
    }
    assert "aws/accounts.py" in named
    assert {one for one in named if not any(f"/{path}".endswith(f"/{one}") for path in there)} == (
        set()
    )


@pytest.mark.parametrize(
    "path", ["chalicelib/billing.toml", ".chalice/permissions.yaml", ".chalice/resources.yaml"]
)
def test_a_comment_beside_settings_has_short_lines(path: str) -> None:
    lines = (ROOT / path).read_text().splitlines()
    assert [one for one in lines if one.lstrip().startswith("# ") and len(one) > COLUMNS] == []


def long_lines(file: Source) -> list[str]:
    """Lines of more than 100 columns."""
    return [
        f"line {number} has {len(line)} columns, not {COLUMNS} at most"
        for number, line in enumerate(file.text.splitlines(), 1)
        if len(line) > COLUMNS
    ]


def retired_names(file: Source) -> list[str]:
    """What has an old name: the module itself, and classes in it."""
    top, stem = Path(file.path).parts[0], Path(file.path).stem
    words = RETIRED["modules"].get(top, {})
    if stem.startswith("test_"):
        stem, words = stem.removeprefix("test_"), RETIRED_IN_TESTS
    classes = RETIRED["classes"].get({"bench": "tests", "ops": "chalicelib"}.get(top, top), {})
    found = [f"module {stem} is called {words[stem]} now" for stem in {stem} & words.keys()]
    return found + [
        f"class {name} is called {classes[name]} now"
        for name in sorted(file.classes & classes.keys())
    ]


def test_a_folder_has_few_enough_entries_to_take_in() -> None:
    entries: dict[str, set[str]] = {}
    for path in paths(*FOLDERS):
        for inner in (path_of := Path(path), *path_of.parents):
            if inner.name not in ("", "__init__.py") and inner.parent.name:
                entries.setdefault(str(inner.parent), set()).add(inner.name)
    numbers = {folder: len(names) for folder, names in entries.items()}
    assert {folder: number for folder, number in numbers.items() if number > MOST_ENTRIES} == {}


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert [module for module in imports() if module in reached_from(module)] == []


@cache
def imports() -> dict[str, set[str]]:
    """Each module of the code outside the tests, with those of them that it imports anywhere."""
    files = [source(path) for path in paths(*FOLDERS) if not path.startswith("tests/")]
    modules = {file.module for file in files}
    return {file.module: imported(file, modules) for file in files}


def imported(file: Source, modules: set[str]) -> set[str]:
    """The modules that it imports. Where `from a import b` takes a module, the package `a` that
    holds it does not count: its `__init__` is empty.
    """
    names = file.imports & modules
    return names - {name.rpartition(".")[0] for name in names} - {file.module}


def reached_from(module: str) -> set[str]:
    """All that a module imports, directly or through others."""
    reached: set[str] = set()
    waiting = set(imports()[module])
    while waiting:
        reached.add(one := waiting.pop())
        waiting |= imports()[one] - reached
    return reached
