"""What the libraries bring along and nothing on Lambda loads: it stays out of the package, which is
then fetched and unpacked sooner before each cold start.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from chalicelib.domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Unused:
    """Files that stay out: `pattern` matches files and folders of the package, and those named in
    `but` stay all the same. `why` says why nothing needs them.
    """

    pattern: str
    why: str
    but: frozenset[str] = frozenset()


UNUSED = (
    Unused(
        "stripe/params",
        "types of parameters, which the SDK imports for type checkers only",
    ),
    Unused(
        "stripe/events",
        "classes of thin events, which the SDK loads where it reads one: Billhook reads events by"
        " itself",
    ),
    Unused(
        "stripe/**/_*_service.py",
        "a class of methods for each resource, loaded when it is asked for: Billhook makes every"
        " call by raw_request. The classes of objects stay, since an error may hold any of them",
        frozenset({"_stripe_service.py", "_oauth_service.py"}),
    ),
    Unused("dns", "email-validator's questions to the DNS, which are switched off"),
    Unused(
        "cffi", "builds bindings: those of cryptography are built, and need _cffi_backend alone"
    ),
    Unused("pycparser", "reads C for cffi"),
    Unused(
        "aws_lambda_powertools/event_handler",
        "routers, with a web page to try them: the routes are Chalice's",
    ),
    Unused(
        "aws_lambda_powertools/utilities/*",
        "all but logs and metrics; the logger imports one of them",
        frozenset({"__init__.py", "jmespath_utils"}),
    ),
    Unused("babel/messages", "reads and compiles gettext's catalogues: texts are TOML"),
)
"""tests/tooling/packaging/test_unused.py runs what Billhook does with each library in the package
that is deployed.
"""


def leave_out(code: Path, unused: Iterable[Unused] = UNUSED) -> None:
    """Delete from the folder `code` what is unused. Raises InvalidInput for a row that matches
    nothing: the library has changed, and the row with it.
    """
    for row in unused:
        found = [path for path in code.glob(row.pattern) if path.name not in row.but]
        if not found:
            raise InvalidInput(
                f"No library has {row.pattern} any more: look at its row in ops/package/unused.py."
            )
        for path in found:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
