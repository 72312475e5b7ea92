"""The TypeScript client passes the strict compiler, and a product speaks to the API with it."""

import json
import shutil
import subprocess
from pathlib import Path

from local.client import Client
from tests.fakes.services import ROOT

CLIENT = ROOT / "clients" / "typescript" / "billhook.ts"
PRODUCT = Path(__file__).with_name("product.ts")
OPTIONS = {
    "strict": True,
    "noUncheckedIndexedAccess": True,
    "noImplicitReturns": True,
    "noUnusedLocals": True,
    "noUnusedParameters": True,
    "exactOptionalPropertyTypes": True,
    "verbatimModuleSyntax": True,
    "target": "es2022",
    "module": "nodenext",
    "lib": ["es2023", "dom"],
    "types": [],
    "declaration": True,
    "outDir": "built",
}


def compiled(place: Path, node_modules: Path, product: str) -> subprocess.CompletedProcess[str]:
    """The client and a product of that source, compiled in a folder."""
    shutil.copy(CLIENT, place)
    (place / "product.ts").write_text(product)
    (place / "package.json").write_text('{"type": "module"}')
    (place / "tsconfig.json").write_text(json.dumps({"compilerOptions": OPTIONS}))
    compiler = node_modules / "typescript" / "bin" / "tsc"
    command = ["node", str(compiler), "-p", str(place)]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_product_uses_the_client_from_signup_to_webhooks(
    system: Client, tmp_path: Path, node_modules: Path
) -> None:
    built = compiled(tmp_path, node_modules, PRODUCT.read_text())
    assert built.returncode == 0, built.stdout
    command = ["node", "built/product.js", system.base, system.api_key, "types@example.com"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert (told["access"], told["secret"], told["same"]) == ("full", "whsec_", True)
    assert [number for number, _ in told["events"]] == list(range(1, len(told["events"]) + 1))
    assert "trial.started" in [type for _, type in told["events"]]
    assert told["trial_end"].endswith("Z")
    assert told["refusals"] == [
        [404, "account_not_found", "account_id"],
        [401, "unauthorized", "Authorization"],
        [0, "no_answer", None],
        [400, "invalid", "url"],
    ]


def test_the_compiler_refuses_what_the_api_would(tmp_path: Path, node_modules: Path) -> None:
    wrong = PRODUCT.read_text().replace("note: 'a friend'", "remark: 'a friend'")
    built = compiled(tmp_path, node_modules, wrong)
    assert built.returncode != 0
    assert "remark" in built.stdout or "note" in built.stdout
