"""`python -m bench.costs` writes docs/costs.md; `--check` says whether it is what the code costs now."""

import argparse
import sys
from difflib import unified_diff
from pathlib import Path

from bench.costs.page import page
from bench.costs.stories import all_stories

PAGE = Path(__file__).parents[2] / "docs" / "costs.md"


def main() -> int:
    """1 if `--check` finds a difference, which it prints."""
    parser = argparse.ArgumentParser(prog="python -m bench.costs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    asked, made = parser.parse_args(), page(all_stories())
    if not asked.check:
        PAGE.write_text(made)
        return 0
    held = PAGE.read_text()
    sys.stdout.writelines(unified_diff(held.splitlines(True), made.splitlines(True), "docs/costs.md", "what the code costs now"))
    return int(held != made)


if __name__ == "__main__":
    sys.exit(main())
