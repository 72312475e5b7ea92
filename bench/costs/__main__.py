"""`python -m bench.costs` writes docs/costs.md and docs/scale.md; `--check` says whether they are
what the code costs now.

`--assume access_calls=50` prints the pages under another assumption, and writes nothing.
"""

import argparse
import sys
from dataclasses import replace
from difflib import unified_diff
from pathlib import Path

from bench.costs.audited import audited_stories
from bench.costs.bills import ASSUMED
from bench.costs.dashboard import dashboard_stories
from bench.costs.instances import life_of_an_instance
from bench.costs.outside import outside_stories
from bench.costs.page import page
from bench.costs.people import life_of_a_contact
from bench.costs.scale import scale_page
from bench.costs.stories import all_stories

DOCS = Path(__file__).parents[2] / "docs"


def main() -> int:
    """1 if `--check` finds a difference, which it prints."""
    parser = argparse.ArgumentParser(prog="python -m bench.costs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    parser.add_argument(
        "--assume",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="one of the page's assumptions; may be repeated",
    )
    asked = parser.parse_args()
    for name, _, number in (one.partition("=") for one in asked.assume):
        if name not in ASSUMED:
            parser.error(f"there is no assumption {name}: there are {', '.join(ASSUMED)}")
        ASSUMED[name] = replace(ASSUMED[name], value=float(number))
    stories = all_stories() | {
        "outside": outside_stories(),
        "instances": [life_of_an_instance()],
        "audited": audited_stories(),
        "people": [life_of_a_contact()],
        "dashboard": dashboard_stories(),
    }
    pages = {"costs.md": page(stories), "scale.md": scale_page(stories)}
    if asked.assume:
        print(*pages.values(), sep="\n", end="")
        return 0
    if asked.check:
        return int(any([_differs(DOCS / name, made) for name, made in pages.items()]))
    for name, made in pages.items():
        (DOCS / name).write_text(made)
    return 0


def _differs(path: Path, made: str) -> bool:
    """Whether the page says something else; prints what."""
    held = path.read_text()
    sys.stdout.writelines(
        unified_diff(
            held.splitlines(True),
            made.splitlines(True),
            f"docs/{path.name}",
            "what the code costs now",
        )
    )
    return held != made


if __name__ == "__main__":
    sys.exit(main())
