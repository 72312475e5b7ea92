"""The functions on docs/webhooks.md that verify a delivery: each accepts what we sign and refuses
what was changed.
"""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.outgoing.signature import as_secret, signed_headers

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "webhooks.md").read_text()
NEW, OLD = b"n" * 32, b"o" * 32
BODY = '{"name":"Zoë"}'

Verify = Callable[[str, Mapping[str, str], str], bool]


def code(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


def in_python(tmp_path: Path) -> Verify:
    space: dict[str, Any] = {}
    exec(code("python"), space)
    return lambda secret, headers, body: bool(space["verified"](secret, headers, body.encode()))


def by_program(command: list[str], file: Path, text: str) -> Verify:
    file.write_text(text)

    def verify(secret: str, headers: Mapping[str, str], body: str) -> bool:
        given = json.dumps([secret, headers, body])
        run = subprocess.run(
            [*command, str(file)], input=given, capture_output=True, text=True, check=True
        )
        return bool(json.loads(run.stdout))

    return verify


def in_node(tmp_path: Path) -> Verify:
    main = """
import { readFileSync } from "node:fs";
const [secret, headers, body] = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(verified(secret, headers, body)));
"""
    return by_program(["node"], tmp_path / "verify.mjs", code("js") + main)


def in_php(tmp_path: Path) -> Verify:
    main = """
[$secret, $headers, $body] = json_decode(stream_get_contents(STDIN), true);
echo json_encode(verified($secret, $headers, $body));
"""
    return by_program(["php"], tmp_path / "verify.php", "<?php\n" + code("php") + main)


LANGUAGES: dict[str, Callable[[Path], Verify]] = {"python": in_python}
if shutil.which("node"):
    LANGUAGES["node"] = in_node
if shutil.which("php"):
    LANGUAGES["php"] = in_php
"""Those that can run here."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_page_shows_accepts_ours_and_refuses_what_was_changed(
    language: str, tmp_path: Path
) -> None:
    verified = LANGUAGES[language](tmp_path)
    now = datetime.now(UTC)
    headers = signed_headers("acc_1.0.1.trial.started.sub_1", BODY.encode(), [NEW, OLD], now)
    assert verified(as_secret(NEW), headers, BODY)
    assert verified(as_secret(OLD), headers, BODY), "the secret before a rotation"
    assert not verified(as_secret(b"x" * 32), headers, BODY)
    assert not verified(as_secret(NEW), headers, BODY.replace("Zoë", "Zoe"))
    assert not verified(as_secret(NEW), headers | {"webhook-id": "acc_2"}, BODY)
    late = str(int(time.time()) - 400)
    assert not verified(as_secret(NEW), headers | {"webhook-timestamp": late}, BODY)
    old = datetime.fromtimestamp(time.time() - 400, UTC)
    replayed = signed_headers("acc_1.0.1.trial.started.sub_1", BODY.encode(), [NEW], old)
    assert not verified(as_secret(NEW), replayed, BODY), "too old"


def test_each_example_is_about_ten_lines() -> None:
    for language in ("python", "js", "php"):
        assert len([line for line in code(language).splitlines() if line.strip()]) <= 12
