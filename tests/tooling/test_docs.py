"""What the documents name is there."""

import re

import pytest

from tests.fakes.services import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_and_path_leads_somewhere(document: object) -> None:
    text = document.read_text()  # type: ignore[attr-defined]
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    for link in links:
        assert (document.parent / link).exists(), link  # type: ignore[attr-defined]
    for path in re.findall(r"\b(?:tests|chalicelib|bench|local)/[\w/]+\.\w+", text):
        assert (ROOT / path).exists(), path


def test_every_protection_against_a_bug_of_the_field_is_listed_and_every_listed_one_is_a_test() -> (
    None
):
    listed = set(re.findall(r"\| (test_\w+) \|", (ROOT / "docs" / "reliability.md").read_text()))
    written = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert listed <= written
    assert (
        set(
            re.findall(
                r"^def (test_\w+)",
                (ROOT / "tests" / "system" / "test_field_bugs.py").read_text(),
                re.MULTILINE,
            )
        )
        <= listed
    )


def test_every_metric_in_the_runbook_exists() -> None:
    from chalicelib.runtime.telemetry import METRICS

    told = (
        (ROOT / "docs" / "running.md")
        .read_text()
        .partition("\n## What a stage says of itself\n")[2]
    )
    named = set(re.findall(r"^\| `(\w+)` \|", told, re.MULTILINE))
    assert named
    assert named - METRICS.keys() == set()
