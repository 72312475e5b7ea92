"""Every route under input that schemathesis makes of /openapi.json: no 5xx, and no answer that the
document does not declare.
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

from local.client import Client

CHECKS = ",".join(
    (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    )
)
EXAMPLES = 6
"""For each route, beside those that the document gives and those at the limits of its schemas."""


def test_nothing_that_a_caller_can_send_is_answered_with_5xx_or_with_what_is_not_declared(
    start_system: Callable[[], Client], tmp_path: Path
) -> None:
    system = start_system()
    email = f"fuzz-{secrets.token_hex(4)}@example.com"
    status, account = system.post("/signups", {"email": email})
    assert status == 201, account
    described = tmp_path / "openapi.json"
    described.write_text(json.dumps(about(system, account["account_id"])))
    report = fuzzed(system, described, cookie(system, email), tmp_path)
    assert report.returncode == 0, report.stdout[-8000:]
    assert (made := re.search(r"(\d+) generated, (\d+) passed", report.stdout)), report.stdout[
        -8000:
    ]
    assert made[1] == made[2]
    assert int(made[1]) > 500
    assert system.account(account["account_id"]), "it is there still, and can be read"


def about(system: Client, account_id: str) -> Any:
    """The document with an account that there is: behind one that is not, every answer is a 404.
    Without the calls that would end the session of the run.
    """
    _, document = system.call("GET", "/openapi.json")
    for ends_the_session in ("/billing/links/end", "/accounts/{account_id}/links/end"):
        del document["paths"][ends_the_session]
    for path, operations in document["paths"].items():
        for operation in operations.values() if "{account_id}" in path else ():
            for parameter in operation.get("parameters", ()):
                if parameter.get("name") == "account_id":
                    parameter["schema"] = {"type": "string", "enum": [account_id]}
                    parameter.pop("example", None)
                    parameter.pop("examples", None)
    return document


def cookie(system: Client, email: str) -> str:
    """The cookie of who opened the billing page by the link in the welcome mail."""
    system.settle()
    (text,) = [
        mail["text"] for mail in system.mail() if mail["to"] == email and mail["step"] == "welcome"
    ]
    link = re.search(r"http://(127\.0\.0\.1:\d+)(/billing/\S+)", text)
    assert link
    connection = http.client.HTTPConnection(link[1], timeout=30)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", link[2], b"", form)
    answer = connection.getresponse()
    connection.close()
    return str(answer.headers["Set-Cookie"]).partition(";")[0]


def fuzzed(
    system: Client, described: Path, visit: str, folder: Path
) -> "subprocess.CompletedProcess[str]":
    """A run of schemathesis: the same cases each time."""
    headers = [
        f"Authorization: Bearer {system.api_key}",
        f"Cookie: {visit}",
        "Sec-Fetch-Site: same-origin",
    ]
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "run",
        str(described),
        "--url",
        system.base,
        "--checks",
        CHECKS,
    ]
    command += [part for header in headers for part in ("-H", header)]
    command += [
        "--phases",
        "examples,coverage,fuzzing",
        "-n",
        str(EXAMPLES),
        "--generation-deterministic",
        "--no-shrink",
        "--continue-on-failure",
    ]
    command += ["--max-redirects", "0", "--warnings", "off", "--no-color"]
    environment = {
        name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")
    }
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
