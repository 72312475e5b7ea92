"""Every route under input that schemathesis makes of /openapi.json, as a customer with a key and
links calls it and as a stranger does: no 5xx, and no answer that the document does not declare.
"""

import http.client
import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from local.client import Client
from tests.fakes.routes import ROUTES

CHECKS = ",".join(
    (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    )
)
EXAMPLES, A_STRANGER_S = 4, 2
"""For each route, beside those that the document gives and those at the limits of its schemas. A
stranger meets a refusal almost everywhere.
"""

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def fuzzing(start_system: Callable[[], Client]) -> Client:
    """A system that is fuzzed: nobody else's stories are in it."""
    return start_system()


def test_nothing_that_a_customer_can_send_is_answered_with_5xx_or_with_what_is_not_declared(
    fuzzing: Client, tmp_path: Path
) -> None:
    email = f"fuzz-{secrets.token_hex(4)}@example.com"
    status, account = fuzzing.post("/signups", {"email": email})
    assert status == 201, account
    tokens = links(fuzzing, email) | {"welcome": account["welcome_url"].rpartition("/")[2]}
    document = about(declared(fuzzing), account["account_id"], tokens)
    sent = (
        f"Authorization: Bearer {fuzzing.api_key}",
        f"Cookie: {cookie(fuzzing, tokens)}",
        "Sec-Fetch-Site: same-origin",
    )
    assert fuzzed(fuzzing, document, EXAMPLES, tmp_path, *sent) > 500
    assert fuzzing.account(account["account_id"]), "it is there still, and can be read"


def test_nothing_that_a_stranger_can_send_is_either(fuzzing: Client, tmp_path: Path) -> None:
    assert fuzzed(fuzzing, declared(fuzzing), A_STRANGER_S, tmp_path) > 500


def test_all_routes_are_in_what_is_fuzzed(fuzzing: Client) -> None:
    document = declared(fuzzing)
    calls = {(method.upper(), path) for path, of in document["paths"].items() for method in of}
    # The dashboard is no part of the API, and has stories of its own.
    assert calls >= {route for route in ROUTES if not route[1].startswith("/admin")}


def declared(system: Client) -> Any:
    """The document that the system serves."""
    status, document = system.call("GET", "/openapi.json")
    assert status == 200
    return document


def about(document: Any, account_id: str, tokens: dict[str, str]) -> Any:
    """The document with an account that there is, and with links that work: behind others, every
    answer is a 404. Without the calls that would end the session of the run.
    """
    for ends_the_session in ("/billing/links/end", "/accounts/{account_id}/links/end"):
        del document["paths"][ends_the_session]
    for path, operations in document["paths"].items():
        known = {"account_id": account_id, "token": tokens.get(path.split("/")[1])}
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if value := known.get(parameter.get("name")):
                    parameter["schema"] = {"type": "string", "enum": [value]}
                    parameter.pop("example", None)
                    parameter.pop("examples", None)
    return document


def links(system: Client, email: str) -> dict[str, str]:
    """The tokens of the links that were mailed to the address, by purpose."""
    system.settle()
    system.call("POST", "/sign-in", urlencode({"email": email}).encode(), FORM)
    system.settle()
    text = "\n".join(mail["text"] for mail in system.mail() if mail["to"] == email)
    found = dict(re.findall(rf"{system.base}/([a-z-]+)/([\w.-]+)", text))
    assert found.keys() >= {"billing", "sign-in"}
    return found


def cookie(system: Client, tokens: dict[str, str]) -> str:
    """The cookie of who opened the billing page by the link in the welcome mail."""
    parts = urlsplit(system.base)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    connection.request("POST", f"/billing/{tokens['billing']}", b"", FORM)
    answer = connection.getresponse()
    connection.close()
    return str(answer.headers["Set-Cookie"]).partition(";")[0]


def fuzzed(system: Client, document: Any, examples: int, folder: Path, *headers: str) -> int:
    """How many calls schemathesis made with these headers: the same in each run. Fails, with what
    it says, unless all were answered as they should be.
    """
    described = folder / "openapi.json"
    described.write_text(json.dumps(document))
    command = [sys.executable, "-m", "schemathesis.cli", "run", str(described)]
    command += ["--url", system.base, "--checks", CHECKS]
    command += [part for header in headers for part in ("-H", header)]
    command += ["--phases", "examples,coverage,fuzzing", "-n", str(examples)]
    command += ["--generation-deterministic", "--no-shrink", "--continue-on-failure"]
    command += ["--max-redirects", "0", "--warnings", "off", "--no-color"]
    environment = {
        name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    said = done.stdout[-8000:]
    assert done.returncode == 0, said
    made = re.search(r"(\d+) generated, (\d+) passed", said)
    assert made, said
    assert made[1] == made[2], said
    return int(made[1])
