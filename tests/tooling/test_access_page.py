"""docs/access.md shows the rules of access as they are in code. `python -m
tests.tooling.test_access_page` writes its tables anew.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from chalicelib.domain.access.paid_plans import PLAN_RULES, PlanRule
from chalicelib.domain.access.rules import RULES, RUNNING, Rule

PAGE = Path(__file__).parents[2] / "docs" / "access.md"
TABLES: dict[str, Sequence[Rule | PlanRule]] = {
    "Every subscription": RULES,
    "A subscription that runs": RUNNING,
    "The plan": PLAN_RULES,
}
HEAD = "| when | access |\n| --- | --- |\n"


def rows(rules: Sequence[Rule | PlanRule]) -> str:
    return "".join(f"| {rule.when} | {rule.then} |\n" for rule in rules)


def shown(heading: str, text: str) -> str:
    """The rows below the table's head in the chapter of that heading."""
    chapter = text.partition(f"## {heading}\n")[2]
    return re.split(r"\n(?!\|)", chapter.partition(HEAD)[2], maxsplit=1)[0].strip("\n")


@pytest.mark.parametrize("heading", TABLES)
def test_the_page_shows_each_rule_in_the_order_of_the_code(heading: str) -> None:
    assert shown(heading, PAGE.read_text()) == rows(TABLES[heading]).strip("\n")


if __name__ == "__main__":
    page = PAGE.read_text()
    for title, table in TABLES.items():
        before, chapter = page.split(f"## {title}\n", 1)
        intro, after = chapter.split(HEAD, 1)
        rest = re.sub(r"\A(\|[^\n]*\n)*", "", after)
        page = f"{before}## {title}\n{intro}{HEAD}{rows(table)}{rest}"
    PAGE.write_text(page)
