"""docs/events.md shows the catalogue of domain events as it is in code. `python -m
tests.tooling.test_events_page` writes its example and its tables anew.
"""

import json
import re
from pathlib import Path

from chalicelib.domain.changes.event_catalogue import CATALOGUE, FIELDS
from chalicelib.domain.changes.event_document import example

PAGE = Path(__file__).parents[2] / "docs" / "events.md"


def types() -> str:
    """The rows of all types. Fields that may be missing have a question mark."""
    return "".join(
        f"| `{type}` | {one.meaning} | "
        + ", ".join(f"`{name}`{'?' if name in one.optional else ''}" for name in one.fields)
        + " |\n"
        for type, one in CATALOGUE.items()
    )


def fields() -> str:
    """The rows of all fields."""
    return "".join(
        f"| `{name}` | {one.meaning} | `{json.dumps(one.example)}` |\n"
        for name, one in FIELDS.items()
    )


def shown() -> str:
    """The example, with line breaks for people."""
    text = json.dumps(json.loads(example("trial.started")), indent=1)
    return f"```json\n{text}\n```\n"


def written(page: str) -> str:
    """The page with its generated parts anew."""
    page = re.sub(r"(EXAMPLE|```json\n.*?\n```)\n", lambda _: shown(), page, count=1, flags=re.S)
    for title, rows in (("Types", types()), ("Fields", fields())):
        before, chapter = page.split(f"## {title}\n", 1)
        intro, after = re.split(r"(?<=\| --- \|\n)", chapter, maxsplit=1)
        rest = re.sub(r"\A(\|[^\n]*\n)*", "", after)
        page = f"{before}## {title}\n{intro}{rows}{rest}"
    return page


def test_the_page_shows_the_catalogue_of_the_code() -> None:
    page = PAGE.read_text()
    assert written(page) == page


def test_every_field_is_of_a_type() -> None:
    assert FIELDS.keys() == {name for one in CATALOGUE.values() for name in one.fields}


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
