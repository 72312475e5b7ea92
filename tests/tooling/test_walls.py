"""Who may import whom: the contracts in pyproject.toml, the domain free of libraries and clocks,
and heavy libraries only where they are used.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.services import ROOT
from tests.tooling.source_files import Source, paths, source

READS_A_CLOCK = {"now", "utcnow", "today", "monotonic", "getenv", "sleep"}


def test_imports_keep_the_contracts_of_pyproject() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache", "--no-logo"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", paths("chalicelib"))
def test_a_deployed_module_imports_no_tool_and_a_decision_reads_no_clock(path: str) -> None:
    file = source(path)
    libraries = {name.split(".")[0] for name in file.imports}
    assert not libraries & {"local", "tests", "ops", "bench", "moto", "pytest"}
    if file.module.startswith("chalicelib.domain"):
        assert libraries <= sys.stdlib_module_names | {"chalicelib"}
    if file.module.startswith(("chalicelib.domain", "chalicelib.usecases")):
        assert not file.imports & {"os", "time"}
        assert clock_readings(file) == []


def clock_readings(file: Source) -> list[str]:
    """Calls that read the clock or the environment. The clock of the services is a port."""
    calls = [ast.unparse(node.func) for node in ast.walk(file.tree) if isinstance(node, ast.Call)]
    return [
        call
        for call in calls
        if call.split(".")[-1] in READS_A_CLOCK and not call.endswith("services.clock.now")
    ]


def test_only_stripe_api_names_stripes_json() -> None:
    """All others get values, so that a field that Stripe moves is looked for in one place."""
    others = [path for path in paths("chalicelib") if "stripe_api" not in path]
    naming = [
        path
        for path in others
        for node in ast.walk(source(path).tree)
        if isinstance(node, ast.Name) and node.id == "Raw"
    ]
    assert naming == []
    for typed in (
        "chalicelib/domain/stripe_objects/answers.py",
        "chalicelib/usecases/ports/stripe.py",
    ):
        assert "Any" not in source(typed).text


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
    """A cold start pays for what it needs: the client of AWS waits for the first call, the rest for
    the few who need it.
    """
    loaded = loaded_by("app")
    assert not loaded & {
        "boto3",
        "botocore.session",
        "urllib3",
        "requests",
        "msgspec",
        "babel",
        "cryptography",
        "email_validator",
        "disposable_email_domains",
    }
    assert "aws_lambda_powertools.utilities.parameters" not in loaded
    libraries = {name for name in loaded if not name.startswith("chalicelib")}
    assert len(libraries) < len(loaded_by("chalice.app", "boto3")) - 100, (
        "much less than an empty app that imports boto3"
    )


def test_the_webhook_s_function_loads_no_value_of_the_domain_and_no_schema_of_the_api() -> None:
    """Its cold start is that of Chalice, the logger and a few lines of our own."""
    loaded = loaded_by("chalicelib.entry.http.webhook_app")
    ours = {name for name in loaded if name.startswith("chalicelib.")}
    packages = {name for name in ours if f"{name}." in " ".join(ours)}
    assert ours - packages == {
        "chalicelib.domain.errors",
        "chalicelib.domain.ids",
        "chalicelib.domain.security.constant_time",
        "chalicelib.entry.http.middleware.every_response",
        "chalicelib.entry.http.responses",
        "chalicelib.entry.http.webhook_app",
        "chalicelib.entry.http.webhooks",
        "chalicelib.runtime.clock",
        "chalicelib.runtime.invocation",
        "chalicelib.runtime.settings",
        "chalicelib.runtime.telemetry",
        "chalicelib.runtime.wiring",
        "chalicelib.stripe_api.signature",
        "chalicelib.values",
    }


def test_ingest_does_not_load_the_table() -> None:
    assert not {
        name
        for name in loaded_by("chalicelib.entry.http.webhooks")
        if name.startswith(("chalicelib.aws", "chalicelib.usecases", "msgspec", "boto3"))
    }


def test_the_local_system_sets_the_environment_before_a_log_is_made() -> None:
    """Else `make run` prints a line of JSON for each event into the reader's terminal."""
    assert "chalicelib.runtime.telemetry" not in loaded_by("local.__main__", "local.system")


def loaded_after(statement: str) -> set[str]:
    """What a function has loaded that has its settings, and has done this."""
    code = f"""
import os, sys
os.environ.update(
    STAGE="t",
    LIVEMODE="false",
    TABLE_NAME="t",
    EVENTS_QUEUE_URL="q",
    DEAD_LETTERS_QUEUE_URL="d",
    ACT_QUEUE_URL="a",
    MAIL_QUEUE_URL="m",
    DELIVERIES_QUEUE_URL="w",
    WEBHOOKS="false",
    PARAMETERS_PATH="/p",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_ACCESS_KEY_ID="x",
    AWS_SECRET_ACCESS_KEY="x",
)
from chalicelib.runtime import wiring
{statement}
print("\\n".join(sys.modules))
"""
    return set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout.split()
    )


def test_a_request_for_access_loads_no_stripe_either() -> None:
    """Not only the import: answering one."""
    loaded = loaded_after(
        "wiring.accounts(), wiring.timelines(), wiring.key_ring(), wiring.policy(),"
        " wiring.events_queue()"
    )
    assert not loaded & {"stripe", "jinja2"}


def test_only_who_signs_a_token_loads_what_signs() -> None:
    signing = """
from datetime import UTC, datetime
from chalicelib.domain.security.signing_keys import write_keys
from chalicelib.runtime.access_tokens import AccessTokens, new_key
now = datetime.now(UTC)
"""
    knows_the_keys = (
        signing
        + """
key = '{"kid": "k", "signs_from": 0, "d": "d", "x": "x", "y": "y"}'
AccessTokens("https://b.example", lambda: f"[{key}]").key_set(now)
"""
    )
    signs = (
        signing
        + """
keys = write_keys([new_key(now)])
AccessTokens("https://b.example", lambda: keys).issue({"account_id": "a"}, None, None, now)
"""
    )
    assert not loaded_after(knows_the_keys) & {"cryptography", "stripe", "jinja2"}
    loaded = loaded_after(signs)
    assert "cryptography" in loaded
    assert not loaded & {"stripe", "jinja2"}


@pytest.mark.parametrize(
    "handler", ["chalicelib.entry.triggers.events_queue", "chalicelib.entry.triggers.table_stream"]
)
def test_an_event_function_runs_without_the_app(handler: str) -> None:
    assert "app" not in loaded_by(handler)
