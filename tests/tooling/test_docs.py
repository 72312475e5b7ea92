"""The documents name only what exists: links, headings, files, functions, metrics and tests."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

import app
from chalicelib.domain.account.standing import REASONS
from chalicelib.domain.bounds import BOUNDS
from chalicelib.entry.http.endpoint import ENDPOINTS
from chalicelib.runtime.telemetry import METRICS
from tests.fakes.services import ROOT

DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "bench/*.md", "clients/*.md", "examples/**/*.md")
    for path in ROOT.glob(pattern)
)
README_LINES = 180
"""About three screens: what does not fit belongs into docs/."""

FILE = re.compile(r"[\w.-]+(?:/[\w.-]+)*\.(?:py|md|toml|ya?ml|json|html|mjml|txt|js|css)")
"""A code span of this form names a file of the repository."""


@cache
def files() -> frozenset[str]:
    """Every file of the repository, and its folders with a slash at their end."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    found = {name for name in names if (ROOT / name).is_file()}
    folders = {f"{parent}/" for name in found for parent in Path(name).parents}
    return frozenset(found | folders - {"./"})


@cache
def prose(document: Path) -> str:
    """A document without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)


def headings(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def names_in(module: Path) -> set[str]:
    """What a module defines: functions, classes, their methods and fields, and its constants."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file_or_a_heading(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path) if path else document
        assert target.exists(), link
        assert not anchor or anchor in headings(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_link_on_a_name_leads_to_the_module_that_defines_it(document: Path) -> None:
    for name, link in re.findall(r"\[`([A-Za-z_]\w*)`\]\(([^)\s]+\.py)\)", prose(document)):
        assert name in names_in(document.parent / link), f"{name} in {link}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_in_the_text_is_one_of_the_repository(document: Path) -> None:
    """A name without a folder may be that of any file."""
    names = {Path(name).name for name in files()}
    top = {name.split("/")[0] for name in files() if "/" in name}
    for span in re.findall(r"`([^`\n]+)`", prose(document)):
        if FILE.fullmatch(span) and "/" not in span:
            assert span in names, span
        elif FILE.fullmatch(span) or (
            span.split("/")[0] in top and re.fullmatch(r"[\w./-]+", span)
        ):
            beside = (document.parent / span).exists()
            assert beside or span in files() or f"{span.rstrip('/')}/" in files(), span
    for path in re.findall(r"\b(?:tests|chalicelib|bench|local|ops)/[\w/]+\.\w+", prose(document)):
        assert path in files(), path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_section_has_a_name_of_its_own_and_a_place_in_the_contents(document: Path) -> None:
    sections = re.findall(r"^## (.+)$", prose(document), re.MULTILINE)
    assert len(sections) == len(set(sections))
    if contents := re.search(r"^Contents: (.+?)\n\n", prose(document), re.MULTILINE | re.DOTALL):
        assert re.findall(r"\[(.+?)\]\(#", " ".join(contents[1].split("\n"))) == sections


def test_a_reader_learns_fewer_than_twenty_words_of_our_own() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text()
    words = glossary.partition("## Words of our own")[2].partition("\n## ")[0]
    assert 0 < len(re.findall(r"^\| (?!word |---)", words, re.MULTILINE)) < 20


def test_the_readme_fits_on_three_screens() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= README_LINES


def test_every_protection_against_a_field_bug_is_listed_and_every_listed_one_is_a_test() -> None:
    listed = set(re.findall(r"\| (test_\w+) \|", (ROOT / "docs" / "reliability.md").read_text()))
    tests = {path: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    written = {
        name
        for text in tests.values()
        for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)
    }
    assert listed <= written
    field_bugs = ROOT / "tests" / "system" / "test_field_bugs.py"
    assert set(re.findall(r"^def (test_\w+)", tests[field_bugs], re.MULTILINE)) <= listed


def test_every_metric_in_the_runbook_exists() -> None:
    runbook = (ROOT / "docs" / "operations.md").read_text()
    section = runbook.partition("\n## Logs and metrics\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    assert named
    assert named - METRICS.keys() == set()


def test_the_page_of_the_api_lists_every_call_with_its_scope() -> None:
    assert app.app.routes, "which declares all calls"
    row = r"^\| `(GET|POST|PATCH|PUT|DELETE) (/[^`?]*).*? \| ([^|]+) \|"
    page = (ROOT / "docs" / "api.md").read_text().replace("{id}", "{account_id}")
    listed = {(method, path): scope for method, path, scope in re.findall(row, page, re.MULTILINE)}
    signed = {
        f"/webhooks/{name.lower()}": f"{name}'s signature"
        for name in ("Stripe", "Intercom", "Segment")
    }
    assert listed == {
        name: call.scope or signed.get(name[1], "public")
        for name, call in ENDPOINTS.items()
        if name[0] not in ("OPTIONS", "HEAD")
    }


def test_the_page_of_the_api_lists_every_bound() -> None:
    page = (ROOT / "docs" / "api.md").read_text().partition("\n## Bounds\n")[2]
    listed = re.findall(r"^\| ([\d,]+ .+?) \| .+? \| (.+) \|$", page, re.MULTILINE)
    assert listed == [(f"{bound.most:,} {bound.what}", bound.why) for bound in BOUNDS.values()]


def test_the_page_of_the_api_lists_every_reason_of_a_standing() -> None:
    reasons = (ROOT / "docs" / "api.md").read_text().partition("\n## Access\n")[2]
    reasons = reasons.partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", reasons, re.MULTILINE)) == REASONS.keys()


def test_every_attack_that_is_tried_is_on_the_page_of_threats() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    tried = {name for name in files() if re.match(r"tests/system/security/.*test_\w+\.py$", name)}
    assert {name for name in tried if name not in page} == set()
    rows = re.findall(r"^\| (.+) \|$", page.partition("\n## Threats\n")[2], re.MULTILINE)
    threats = [row.split(" | ") for row in rows if not row.startswith(("threat", "---"))]
    assert len(threats) > 25
    assert [row[0] for row in threats if len(row) != 3 or "tests/" not in row[2]] == []
