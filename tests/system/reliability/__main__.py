"""`python -m tests.system.reliability` writes docs/reliability.md: all that is found anew, or what
is found of the use cases that are named.

`--rest` finds nothing anew: the introduction and the field's bugs are written, and what was found
stays.
"""

import argparse
import sys

from tests.system.reliability.page import PAGE, page, section, sections_of
from tests.system.reliability.registry import ALL, found


def main() -> int:
    """0. Raises Broken where a use case does not keep what it promises."""
    parser = argparse.ArgumentParser(prog="python -m tests.system.reliability", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="a use case, by the beginning of its name"
    )
    parser.add_argument("--rest", action="store_true", help="find nothing anew")
    asked = parser.parse_args()
    kept = sections_of(PAGE.read_text())
    wanted = (
        []
        if asked.rest
        else [name for name in ALL if not asked.names or name.startswith(tuple(asked.names))]
    )
    if asked.names and not wanted:
        parser.error(f"there is no such use case: there are {', '.join(ALL)}")
    for name, one in found(wanted):
        kept[name] = section(one)
        print(f"{name}: {one.runs} runs", file=sys.stderr)
    PAGE.write_text(page(kept, ALL))
    return 0


if __name__ == "__main__":
    sys.exit(main())
