"""What a change by an operator or a key adds for its entry in the audit log."""

import json
from unittest.mock import patch

from bench.costs.stories import Used, arrive, of_recordings, used_by
from chalicelib.aws.events.audit import AuditLog
from tests.fakes.services import RECORDINGS

ACCOUNT = "acct_demo"
GRANT = {"plan": "pro", "until": "2030-01-01T00:00:00Z", "note": "a friend of the house"}


def granted() -> Used:
    """An operator gives a customer access until a day, by the API; the key is remembered."""
    return _granted("a grant, by the API")


def granted_without_entry() -> Used:
    """The same, with a log that keeps nothing."""
    return _granted("the same without its audit entry", patch.object(AuditLog, "put", _nothing))


def audited_stories() -> list[Used]:
    """Both."""
    return [granted(), granted_without_entry()]


def _granted(name: str, *stand_ins: object) -> Used:
    with of_recordings(*stand_ins) as (stage, stripe):
        arrive(stage, stripe, RECORDINGS["trial_converts"], 4)
        headers = {
            "Authorization": f"Bearer {stage.key('admin')}",
            "Content-Type": "application/json",
        }
        stage.call("GET", f"/accounts/{ACCOUNT}", Authorization=headers["Authorization"])
        stage.meter.by_function.clear()
        stage.meter.calls.clear()
        answer = stage.call(
            "POST", f"/accounts/{ACCOUNT}/grants", json.dumps(GRANT).encode(), **headers
        )
        assert answer.status == 200, answer.body
        return used_by(name, stage)


def _nothing(log: AuditLog, entry: object) -> None:
    """In place of a write."""
