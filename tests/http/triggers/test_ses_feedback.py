"""SES's events as Lambda gets them from EventBridge: bounces and complaints stop mail, and what
cannot be read fails nothing.
"""

import pytest

from chalicelib.domain.errors import Unavailable
from chalicelib.runtime import wiring
from tests.http.conftest import Stage, stage  # noqa: F401 - the fixture
from tests.http.triggers.test_mail_queue import (
    ACCOUNT,
    WELCOME,
    Office,
    office,  # noqa: F401 - the fixture
)


@pytest.mark.parametrize(("kind", "metric"), [("Bounce", "Bounces"), ("Complaint", "Complaints")])
def test_who_bounced_or_complained_gets_no_more(office: Office, kind: str, metric: str) -> None:
    """41: a hard bounce stops all, a complaint lifecycle mail."""
    office.begin_trial()
    office.tick()
    told_once = office.told(kind)
    office.tell(office.told("Send"), office.told("Delivery"), told_once, told_once)
    assert wiring.suppressions().holds("Ada@example.com", "lifecycle")
    assert wiring.suppressions().holds("Ada@example.com", "billing") is (kind == "Bounce")
    assert office.stage.metrics()[metric] == 2
    entries = office.stage.get(f"/accounts/{ACCOUNT}/timeline", office.stage.key("read")).body[
        "entries"
    ]
    told = sorted(entry["type"] for entry in entries if entry["kind"] == "mail")
    assert told == sorted(
        [
            "mail.sent",
            "mail.accepted",
            "mail.delivered",
            {"Bounce": "mail.bounced", "Complaint": "mail.complained"}[kind],
        ]
    )
    assert office.outcomes() == {WELCOME: "sent"}


def test_what_cannot_be_read_is_counted_and_repeated_by_nobody(office: Office) -> None:
    office.begin_trial()
    office.tick()
    office.tell(
        {"eventType": "Bounce"}, {"eventType": "Bounce", "mail": 7}, office.told("Complaint")
    )
    assert wiring.suppressions().holds("ada@example.com", "lifecycle")
    assert office.stage.metrics()["FeedbackUnreadable"] == 2


def test_what_cannot_be_taken_now_is_for_lambda_to_repeat(
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    office.begin_trial()
    office.tick()
    add, failing = wiring.suppressions().add, [True]

    def fail_once(*values: object) -> None:
        if failing.pop() if failing else False:
            raise RuntimeError("ada@example.com could not be written")
        add(*values)  # type: ignore[arg-type]

    monkeypatch.setattr(wiring.suppressions(), "add", fail_once)
    with pytest.raises(Unavailable, match="could not be processed now"):
        office.tell(office.told("Bounce"))
    assert not wiring.suppressions().holds("ada@example.com", "lifecycle")
    office.tell(office.told("Bounce"))
    assert wiring.suppressions().holds("ada@example.com", "lifecycle")
    assert "ada@example.com" not in office.stage.everything_said()
