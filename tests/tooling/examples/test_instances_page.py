"""The endpoints on docs/instances.md: each does what Billhook asks, and answers what it takes."""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.account.parts.instance import TARGETS
from chalicelib.domain.outgoing.signature import as_secret, signed_headers
from tests.fakes.services import ROOT
from tests.tooling.examples import test_webhooks_page

KEY = b"k" * 32
PAGE = (ROOT / "docs" / "instances.md").read_text()

Answer = Callable[[Mapping[str, str], str], tuple[int, dict[str, str]]]


def code(language: str) -> str:
    return PAGE.partition(f"```{language}\n")[2].partition("```")[0]


def in_python(tmp_path: Path) -> Answer:
    done: list[Any] = []
    space: dict[str, Any] = {"json": json, "SECRET": as_secret(KEY)}
    space["change"] = lambda *asked: done.append(asked)
    exec(test_webhooks_page.code("python"), space)
    exec(code("python"), space)

    def answer(headers: Mapping[str, str], body: str) -> tuple[int, dict[str, str]]:
        done.clear()
        status, told = space["answer"](headers, body.encode())
        return status, told | {"done": [one[:2] for one in done]}

    return answer


def in_node(tmp_path: Path) -> Answer:
    main = f"""
import {{ readFileSync }} from "node:fs";
const SECRET = "{as_secret(KEY)}", done = [];
async function change(id, action) {{ done.push([id, action]); }}
const [headers, body] = JSON.parse(readFileSync(0, "utf8"));
const [status, told] = await answer(headers, body);
console.log(JSON.stringify([status, {{ ...told, done }}]));
"""
    file = tmp_path / "endpoint.mjs"
    file.write_text(test_webhooks_page.code("js") + code("js") + main)

    def answer(headers: Mapping[str, str], body: str) -> tuple[int, dict[str, str]]:
        given = json.dumps([headers, body])
        run = subprocess.run(
            ["node", str(file)], input=given, capture_output=True, text=True, check=True
        )
        status, told = json.loads(run.stdout)
        return status, told | {"done": [tuple(one) for one in told["done"]]}

    return answer


LANGUAGES = {"python": in_python} | ({"js": in_node} if shutil.which("node") else {})
"""Those that can run here."""


@pytest.mark.parametrize("action", TARGETS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_endpoint_does_what_is_asked_and_answers_that_it_is_done(
    language: str, action: str, tmp_path: Path
) -> None:
    answer = LANGUAGES[language](tmp_path)
    body = json.dumps({"action": action, "account": {"id": "acc_1"}, "request_id": "r.1"})
    headers = signed_headers("r.1", body.encode(), [KEY], datetime.now(UTC))
    status, told = answer(headers, body)
    assert (status, told["status"]) == (200, TARGETS[action])
    assert told["url"] == "https://acme.app/w/acc_1"
    assert told["done"] == [("acc_1", action)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_endpoint_refuses_what_somebody_else_signed(language: str, tmp_path: Path) -> None:
    answer = LANGUAGES[language](tmp_path)
    body = json.dumps({"action": "delete", "account": {"id": "acc_1"}, "request_id": "r.1"})
    headers = signed_headers("r.1", body.encode(), [b"x" * 32], datetime.now(UTC))
    status, told = answer(headers, body)
    assert (status, told["done"]) == (401, [])


def test_each_endpoint_is_about_ten_lines() -> None:
    for language in ("python", "js"):
        assert 5 < len([line for line in code(language).splitlines() if line.strip()]) <= 12
