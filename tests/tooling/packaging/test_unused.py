"""What stays out of the package is missed by nothing: here each library does in the package what
Billhook has it do. That every handler loads is in test_package.py, and tests/rehearsal uses the
whole stage.
"""

import ast
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.errors import InvalidInput
from local.stripe_sim.api.simulator import StripeSimulator
from ops.package.unused import UNUSED, Unused, leave_out
from tests.fakes.packages import Package
from tests.fakes.services import ROOT

OF_THE_SDK = {"StripeClient", "RequestsClient", "StripeError"}

CALLS = """
import json
from chalicelib.domain.errors import BillhookError
from chalicelib.stripe_api.transport import StripeTransport
stripe = StripeTransport(lambda: "sk_test_1", BASE)
made = stripe.post("/v1/customers", key="k-1", email="ada@example.com", metadata={"a": "b"})
again = stripe.post("/v1/customers", key="k-1", email="ada@example.com", metadata={"a": "b"})
path = "/v1/customers/" + made["id"]
print(json.dumps([
    made == again,
    stripe.get(path)["email"],
    [one["id"] == made["id"] for one in stripe.each("/v1/customers", expand=["data.sources"])],
    stripe.delete(path)["deleted"],
    stripe.get("/v1/invoices/in_nobody"),
    stripe.delete("/v1/subscriptions/sub_nobody"),
]))
"""

FAILURES = """
import json
import stripe
from stripe._object_classes import OBJECT_CLASSES, V2_OBJECT_CLASSES
from chalicelib.domain.errors import BillhookError
from chalicelib.stripe_api.transport import StripeTransport

def failed(status, error, path="/v1/invoices/in_1/pay"):
    answer = json.dumps({"error": error}), status, {"Request-Id": "req_1"}
    stripe.RequestsClient.request = lambda *_, **__: answer
    transport = StripeTransport(lambda: "sk_test_1", "http://127.0.0.1:9")
    try:
        transport.post(path)
    except BillhookError as found:
        return type(found).__name__
    return "no failure"

stripe.RequestsClient._should_retry = lambda *_, **__: False
told = {}
for status in (400, 401, 402, 403, 404, 409, 429, 500, 503):
    for kind in ("card_error", "invalid_request_error", "idempotency_error", "api_error"):
        told[f"{status} {kind}"] = failed(status, {"type": kind, "message": "m"})
nested = [
    failed(402, {"type": "card_error", "code": "card_declined", "payment_intent": {
        "object": name, "id": "x", "inner": {"object": "charge", "list": [{"object": "card"}]}}})
    for name in (*OBJECT_CLASSES, *V2_OBJECT_CLASSES)
]
v2 = failed(400, {"code": "x", "message": "m"}, "/v2/core/event_destinations")
print(json.dumps([told, len(nested), sorted(set(nested)), v2]))
"""

LIBRARIES = """
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from email_validator import validate_email
from chalicelib.domain.policy.read import read_policy
from chalicelib.domain.security.signing_keys import write_keys
from chalicelib.localization import amounts, dates
from chalicelib.outreach.check import check_messages
from chalicelib.runtime.access_tokens import AccessTokens, new_key
from chalicelib.runtime.telemetry import MEASURED, METRICS, count, flush, logger, measure

now = datetime(2026, 3, 2, 9, tzinfo=UTC)
policy = read_policy(Path("CODE/chalicelib/billing.toml").read_text())
check_messages(policy)
keys = write_keys([new_key(now - timedelta(days=9))])
tokens = AccessTokens("https://b.example", lambda: keys)
token = tokens.issue({"account_id": "a"}, None, None, now)
for name in METRICS:
    measure(name, 1.0) if name in MEASURED else count(name, 1)
flush()
logger.info("told")
print(json.dumps([
    validate_email("Ada@Example.com", check_deliverability=False).normalized,
    token is not None,
]))
"""


@pytest.fixture(scope="module")
def stripe() -> Iterator[StripeSimulator]:
    simulator = StripeSimulator(lambda: datetime.now(UTC))
    simulator.start()
    yield simulator
    simulator.close()


def last(said: str) -> Any:
    return json.loads(said.splitlines()[-1])


def test_every_call_to_stripe_is_a_raw_request_of_one_client() -> None:
    """Which is why the classes of methods and of parameters may stay out."""
    used: set[str] = set()
    for path in sorted((ROOT / "chalicelib").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.ImportFrom)
                and (node.module or "").partition(".")[0] == "stripe"
            ):
                used.add(f"{node.module} in {path.name}")
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "stripe"
                and node.attr[0].isupper()
            ):
                used.add(node.attr)
    assert used == OF_THE_SDK
    transport = (ROOT / "chalicelib" / "stripe_api" / "transport.py").read_text()
    assert transport.count("self._client().") == transport.count("self._client().raw_request(") == 1


def test_calls_of_every_method_reach_stripe_from_the_package(
    package: Package, stripe: StripeSimulator
) -> None:
    told = last(package.run(CALLS.replace("BASE", repr(stripe.base))))
    assert told == [True, "ada@example.com", [True], True, None, None]


def test_every_failure_of_stripe_is_understood_in_the_package_whatever_object_it_holds(
    package: Package,
) -> None:
    told, objects, nested, v2 = last(package.run(FAILURES))
    assert "no failure" not in told.values()
    assert told["402 card_error"] == "CardDeclined"
    assert {name for case, name in told.items() if case[:3] == "429"} == {"Unavailable"}
    assert {name for case, name in told.items() if case[0] == "5"} == {"OutcomeUnknown"}
    assert objects > 150
    assert nested == ["CardDeclined"]
    assert v2 == "StripeRefused"


def test_mail_addresses_tokens_logs_and_metrics_work_in_the_package(package: Package) -> None:
    told = last(package.run(LIBRARIES.replace("CODE", str(package.folder / "code"))))
    assert told == ["Ada@example.com", True]


def test_the_package_has_nothing_of_what_is_unused(package: Package) -> None:
    for row in UNUSED:
        left = {path.name for path in (package.folder / "code").glob(row.pattern)}
        assert left - {"__pycache__"} <= row.but, row.pattern
        assert row.why


def test_a_row_that_matches_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="No library has gone any more"):
        leave_out(tmp_path, [Unused("gone", "it was moved")])


def test_what_a_row_excepts_stays(tmp_path: Path) -> None:
    for name in ("a_service.py", "b_service.py", "kept_service.py"):
        (tmp_path / name).write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inner.py").write_text("")
    rows = [Unused("*_service.py", "w", frozenset({"kept_service.py"})), Unused("folder", "w")]
    leave_out(tmp_path, rows)
    assert [path.name for path in tmp_path.iterdir()] == ["kept_service.py"]
