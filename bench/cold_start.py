"""What a cold start loads: each handler of the real package, beside an empty Chalice app with
boto3, each in a process of its own.

The package is unpacked beside what Lambda's runtime ships, as the tests do it. A first webhook
talks to a stand-in on loopback without TLS, beside the same two calls of boto3's by themselves. The
runtime's own libraries have their bytecode always.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.stubs import ENVIRONMENT, SECRET
from ops.package.archive import compile_all
from ops.package.template import WEBHOOK_HANDLER
from tests.fakes.packages import Package, build

ROUNDS = 11
YARDSTICK = "an empty Chalice app with boto3"
WEBHOOK_APP = WEBHOOK_HANDLER.rpartition(".")[0]
"""The module of the webhook's function, the one whose first request is measured too."""

EMPTY_APP = """
import json, logging, os
import boto3
from chalice import Chalice

app = Chalice(app_name="empty")


@app.route("/webhooks/empty", methods=["POST"])
def empty():
    return {"received": True}
"""

TWO_CALLS = """
import os
boto3 = app.boto3
boto3.client("ssm").get_parameter(Name="/billhook/stripe-webhook-secrets", WithDecryption=True)
boto3.client("sqs").send_message(QueueUrl=os.environ["EVENTS_QUEUE_URL"], MessageBody="{}")
"""

WEBHOOK = """
import hashlib, hmac, time as clock
payload = '{"id": "evt_1", "livemode": false}'
stamp = str(int(clock.time()))
signed = hmac.new("SECRET".encode(), f"{stamp}.{payload}".encode(), hashlib.sha256).hexdigest()
headers = {"Stripe-Signature": f"t={stamp},v1={signed}", "Content-Type": "application/json"}
event = {
    "resource": "/webhooks/stripe",
    "path": "/webhooks/stripe",
    "httpMethod": "POST",
    "body": payload,
    "isBase64Encoded": False,
    "headers": headers,
    "multiValueHeaders": {name: [value] for name, value in headers.items()},
    "queryStringParameters": None,
    "multiValueQueryStringParameters": None,
    "pathParameters": None,
    "stageVariables": None,
    "requestContext": {
        "resourcePath": "/webhooks/stripe",
        "httpMethod": "POST",
        "identity": {"sourceIp": "127.0.0.1"},
    },
}
answer = app.app(event, None)
assert answer["statusCode"] == 200, answer
""".replace("SECRET", SECRET)

MEASURED = """
import sys, time
sys.path[:0] = {paths}
loaded, began = len(sys.modules), time.process_time()
{importing}
imported, after_import = time.process_time(), set(sys.modules)
{first}
answered = time.process_time()
import json, os
libraries = [name for name in after_import if name.partition(".")[0] != "chalicelib"]
counts = [
    imported - began,
    len(libraries) - loaded,
    answered - imported,
    sorted(set(sys.modules) - after_import),
]
os.write({told}, json.dumps(counts).encode())
"""


@dataclass(frozen=True, slots=True)
class Start:
    """A process to start: what it imports, from which folder, and what it does first."""

    name: str
    module: str
    folder: Path
    first: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """CPU milliseconds of the import and of what was done first. `modules` counts those of
    libraries: our own are many and small.
    """

    import_ms: float
    modules: int
    first_ms: float
    then: list[str]


class StandIn(BaseHTTPRequestHandler):
    """The Parameter Store and SQS, as far as a webhook needs them."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer a call of either."""
        self.rfile.read(int(self.headers["Content-Length"]))
        found: Any = {"MessageId": "1"}
        if self.headers["X-Amz-Target"].startswith("AmazonSSM"):
            found = {
                "Parameter": {
                    "Name": "secret",
                    "Type": "SecureString",
                    "Value": SECRET,
                    "Version": 1,
                }
            }
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def standing_in() -> Iterator[str]:
    """The address of the stand-in, while it stands."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def starts(package: Package, place: Path) -> list[Start]:
    """All that is started, the empty app beside each."""
    bare, empty = place / "code", place / "empty"
    empty.mkdir()
    shutil.copytree(package.folder / "code" / "chalice", empty / "chalice")
    (empty / "app.py").write_text(EMPTY_APP)
    compile_all(empty)
    empty_bare = _without_bytecode(empty, place / "empty-bare")
    code = package.folder / "code"
    modules = sorted(
        {str(function["Handler"]).rpartition(".")[0] for function in package.functions.values()}
    )
    found = [Start(YARDSTICK, "app", empty, TWO_CALLS)]
    found += [
        Start(module, module, code, WEBHOOK if module == WEBHOOK_APP else "") for module in modules
    ]
    _without_bytecode(code, bare)
    found += [
        Start(f"{YARDSTICK}, no bytecode", "app", empty_bare, TWO_CALLS),
        Start(f"{WEBHOOK_APP}, no bytecode", WEBHOOK_APP, bare, WEBHOOK),
    ]
    return found


def _without_bytecode(code: Path, to: Path) -> Path:
    shutil.copytree(code, to, ignore=shutil.ignore_patterns("__pycache__"))
    return to


def started(start: Start, runtime: Path, endpoint: str) -> Seen:
    """Start it once, as Lambda would: the package, then what the runtime ships, and no other
    library. Raises RuntimeError if it fails.
    """
    paths = [str(start.folder), str(runtime)]
    reading, writing = os.pipe()
    program = MEASURED.format(
        paths=paths, importing=f"import {start.module} as app", first=start.first, told=writing
    )
    command = [sys.executable, "-I", "-S", "-B", "-c", program]
    environment = ENVIRONMENT | {"AWS_ENDPOINT_URL": endpoint}
    done = subprocess.run(
        command, env=environment, pass_fds=[writing], capture_output=True, text=True, check=False
    )
    os.close(writing)
    with os.fdopen(reading) as said:
        told = said.read()
    if done.returncode:
        raise RuntimeError(done.stderr)
    import_s, modules, first_s, then = json.loads(told)
    return Seen(1000 * import_s, modules, 1000 * first_s, then)


def measured(found: list[Start], runtime: Path, rounds: int = ROUNDS) -> dict[str, Seen]:
    """The medians of each, started in turn, so that what disturbs the machine
    disturbs all alike."""
    seen: dict[str, list[Seen]] = defaultdict(list)
    with standing_in() as endpoint:
        for _ in range(rounds):
            for start in found:
                seen[start.name].append(started(start, runtime, endpoint))
    return {
        name: Seen(
            median(one.import_ms for one in some),
            some[0].modules,
            median(one.first_ms for one in some),
            some[0].then,
        )
        for name, some in seen.items()
    }


def print_starts(found: list[Start], seen: dict[str, Seen]) -> None:
    """The imports, each beside the empty app of the same bytecode."""
    print(f"{'import of the handler':46} {'CPU ms':>7} {'ratio':>7} {'modules':>8}")
    for start in found:
        one, beside = seen[start.name], seen[_beside(start.name)]
        print(
            f"{start.name:46} {one.import_ms:7.1f} {one.import_ms / beside.import_ms:6.2f}x"
            f" {one.modules:8}"
        )
    print(
        f"\n{'first request':46} {'CPU ms':>7} {'ratio':>7} {'modules':>8}  "
        f" {'with the import':>15} {'ratio':>7}"
    )
    for start in (start for start in found if start.first):
        one, beside = seen[start.name], seen[_beside(start.name)]
        both, both_beside = one.import_ms + one.first_ms, beside.import_ms + beside.first_ms
        line = (
            f"{start.name:46} {one.first_ms:7.1f} {one.first_ms / beside.first_ms:6.2f}x"
            f" {len(one.then):8}"
        )
        print(f"{line}   {both:15.1f} {both / both_beside:6.2f}x")
    packages = sorted(
        {name.partition(".")[0] for name in seen[WEBHOOK_APP].then if not name.startswith("_")}
        - sys.stdlib_module_names
    )
    print(
        f"The first webhook loads besides: {', '.join(packages)}. The empty app's is the same two"
        " calls of boto3's: a parameter, a message."
    )


def _beside(name: str) -> str:
    return f"{YARDSTICK}, no bytecode" if name.endswith("no bytecode") else YARDSTICK


def print_sizes(package: Package) -> None:
    """What the package weighs, unpacked by what lies at its top, the largest first."""
    weights: dict[str, int] = defaultdict(int)
    with zipfile.ZipFile(package.archive) as archive:
        for entry in archive.infolist():
            weights[entry.filename.partition("/")[0]] += entry.file_size
    total = sum(weights.values())
    print(
        f"\nThe zip has {package.archive.stat().st_size / 1e6:.1f} MB, unpacked"
        f" {total / 1e6:.1f} MB:"
    )
    for name, weight in sorted(weights.items(), key=lambda one: -one[1])[:12]:
        print(f"  {name:34} {weight / 1e6:6.2f} MB {weight / total:6.1%}")


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="billhook-cold-start-") as folder:
        place = Path(folder)
        (place / "package").mkdir()
        (place / "without").mkdir()
        package = build(place / "package")
        found = starts(package, place / "without")
        seen = measured(found, package.folder / "runtime", rounds)
        print(
            f"CPU milliseconds, medians of {rounds} processes started in turn. Python"
            f" {platform.python_version()}, {platform.machine()}.\n"
        )
        print_starts(found, seen)
        print_sizes(package)


if __name__ == "__main__":
    main()
