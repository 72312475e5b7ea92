"""Who may import whom: entry → usecases → domain, adapters as arguments, heavy things only where
they are used.
"""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.fakes.services import ROOT

MAY_IMPORT = {
    "domain": {"domain"},
    "stripe_api": {"stripe_api", "domain"},
    "aws": {"aws", "domain"},
    "outreach": {"outreach", "domain"},
    "pages": {"pages", "domain"},
    "captcha": {"captcha", "domain"},
    "usecases": {"usecases", "domain", "stripe_api", "outreach"},
    "runtime": {"runtime", "usecases", "domain", "stripe_api", "aws", "outreach", "captcha"},
    "entry": {"entry", "usecases", "domain", "runtime", "stripe_api", "pages"},
}
"""Room → rooms. stripe_api's translation is pure, so use cases call it; what calls Stripe they are
given.
"""

DOMAIN = (
    "errors",
    "ids",
    "backoff",
    "security",
    "signup",
    "stripe_objects",
    "policy",
    "account",
    "access",
    "billing",
    "changes",
    "messaging",
    "schedule",
    "reconciliation",
)
"""The subjects of the domain from the ground up: each may import those before it."""

MODULES = sorted((ROOT / "chalicelib").rglob("*.py"))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imported(path: Path, everywhere: bool) -> set[str]:
    """The modules that a file imports: everywhere, or at its top alone, outside TYPE_CHECKING."""
    tree = parsed(path)
    nodes = list(ast.walk(tree)) if everywhere else tree.body
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room_of(path: Path) -> str:
    """The package below chalicelib that a file belongs to."""
    return path.relative_to(ROOT / "chalicelib").parts[0]


def rooms(names: set[str]) -> set[str]:
    return {name.split(".")[1] for name in names if name.startswith("chalicelib.")}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_only_the_rooms_it_may(path: Path) -> None:
    if path.parent.name == "chalicelib":
        return
    assert rooms(imported(path, everywhere=True)) <= MAY_IMPORT[room_of(path)]


def subjects(path: Path) -> set[str]:
    """What a module of the domain imports of it: sub-packages and the modules beside them."""
    return {
        name.split(".")[2]
        for name in imported(path, everywhere=True)
        if name.startswith("chalicelib.domain.")
    }


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if room_of(path) == "domain" and path.name != "__init__.py"],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_subject_of_the_domain_imports_only_what_is_below_it(path: Path) -> None:
    subject = path.relative_to(ROOT / "chalicelib" / "domain").with_suffix("").parts[0]
    below = set(DOMAIN[: DOMAIN.index(subject) + 1])
    assert subjects(path) <= below


@pytest.mark.parametrize(
    "path", [path for path in MODULES if room_of(path) == "domain"], ids=lambda path: path.name
)
def test_the_domain_imports_the_standard_library_alone(path: Path) -> None:
    names = {name.split(".")[0] for name in imported(path, everywhere=True)}
    assert names <= sys.stdlib_module_names | {"chalicelib"}


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if room_of(path) in {"domain", "usecases"}],
    ids=lambda path: str(path.name),
)
def test_neither_domain_nor_use_cases_read_a_clock_or_the_environment(path: Path) -> None:
    calls = [
        ast.unparse(node.func) for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)
    ]
    assert not [
        call
        for call in calls
        if call.split(".")[-1] in {"now", "utcnow", "today", "monotonic", "getenv", "sleep"}
        and not call.endswith("services.now")
    ]
    assert not imported(path, everywhere=True) & {"os", "time"}


def test_no_local_tests_ops_or_bench_in_what_is_deployed() -> None:
    for path in [*MODULES, ROOT / "app.py"]:
        assert not {name.split(".")[0] for name in imported(path, everywhere=True)} & {
            "local",
            "tests",
            "ops",
            "bench",
            "moto",
            "pytest",
        }


def loaded_by(*modules: str) -> set[str]:
    code = f"import sys\nfor name in {modules!r}: __import__(name)\nprint('\\n'.join(sys.modules))"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout.split()
    )


@pytest.mark.parametrize(
    "module", ["app", "chalicelib.entry.http.webhooks", "chalicelib.entry.http.accounts"]
)
def test_ingest_and_access_load_neither_stripe_nor_jinja2(module: str) -> None:
    assert not loaded_by(module) & {"stripe", "jinja2", "moto"}


def test_the_app_loads_no_library_that_only_some_calls_need() -> None:
    """A cold start pays for what it needs: the AWS SDK waits for the first call, the rest for the
    few who need it.
    """
    loaded = loaded_by("app")
    assert not loaded & {
        "boto3",
        "botocore.session",
        "urllib3",
        "requests",
        "msgspec",
        "email_validator",
        "disposable_email_domains",
    }
    assert "aws_lambda_powertools.utilities.parameters" not in loaded
    assert len(loaded) < len(loaded_by("chalice.app", "boto3")), (
        "less than an empty app that imports boto3"
    )


def test_ingest_does_not_load_the_table() -> None:
    assert not {
        name
        for name in loaded_by("chalicelib.entry.http.webhooks")
        if name.startswith(("chalicelib.aws", "chalicelib.usecases", "msgspec", "boto3"))
    }


def test_a_request_for_access_loads_no_stripe_either() -> None:
    """Not only the import: answering one."""
    code = """
import os, sys
os.environ.update(
    STAGE="t",
    LIVEMODE="false",
    TABLE_NAME="t",
    EVENTS_QUEUE_URL="q",
    DEAD_LETTERS_QUEUE_URL="d",
    ACT_QUEUE_URL="a",
    MAIL_QUEUE_URL="m",
    PARAMETERS_PATH="/p",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_ACCESS_KEY_ID="x",
    AWS_SECRET_ACCESS_KEY="x",
)
from chalicelib.runtime import wiring
wiring.accounts(), wiring.log(), wiring.key_ring(), wiring.policy(), wiring.events_queue()
print("\\n".join(sys.modules))
"""
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()
    assert not set(loaded) & {"stripe", "jinja2"}


@pytest.mark.parametrize(
    "handler", ["chalicelib.entry.triggers.events_queue", "chalicelib.entry.triggers.table_stream"]
)
def test_an_event_function_runs_without_the_app(handler: str) -> None:
    assert "app" not in loaded_by(handler)
