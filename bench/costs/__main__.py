"""`python -m bench.costs` writes docs/costs.md; `--check` says whether it is what the code costs
now.

`--assume access_calls=50` prints the page under another assumption, and writes nothing.
"""

import argparse
import sys
from dataclasses import replace
from difflib import unified_diff
from pathlib import Path

from bench.costs.bills import ASSUMED
from bench.costs.page import page
from bench.costs.stories import all_stories

PAGE = Path(__file__).parents[2] / "docs" / "costs.md"


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
    made = page(all_stories())
    if asked.assume:
        print(made, end="")
        return 0
    if not asked.check:
        PAGE.write_text(made)
        return 0
    held = PAGE.read_text()
    sys.stdout.writelines(
        unified_diff(
            held.splitlines(True), made.splitlines(True), "docs/costs.md", "what the code costs now"
        )
    )
    return int(held != made)


if __name__ == "__main__":
    sys.exit(main())
