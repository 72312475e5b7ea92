"""Stories of mail, told to the whole system: trials that run to their end, and what their readers
do.
"""

import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest

from chalicelib.domain.policy.read import read_policy
from local.client import Client, unix_seconds
from local.recordings import Recording
from local.replay import Player

ROOT = Path(__file__).parents[3]
POLICY = read_policy((ROOT / "chalicelib" / "billing.toml").read_text())
STEPS = {step.id: step for step in POLICY.steps}
WITHOUT_CARD = ["welcome", "nudge", "nudge", "note", "three_days", "one_day", "ended"]
WITH_CARD = ["welcome", "nudge", "nudge", "notice", "paid_plan"]
RESUMED = [*WITHOUT_CARD, "lead_3", "paid_plan"]
RECOVERY = ["lead_3", "lead_14", "lead_45"]
"""After a trial that was not paid; which of them fall into a length of time hangs on the weekday on
which it began.
"""
AT_REST = {"events": 0, "act": 0, "mail": 0, "deliveries": 0, "dead_letters": 0}


@pytest.fixture(autouse=True)
def on_a_monday_morning(system: Client) -> None:
    """Every story begins on a Monday at nine by the customer's clock: which mails fall into the
    hours of the policy depends on the weekday and the time of day.
    """
    assert POLICY.mail is not None
    zone = ZoneInfo(POLICY.mail.timezone)
    now = datetime.fromtimestamp(unix_seconds(system.state()), zone)
    monday = (now + timedelta(days=7 - now.weekday())).replace(hour=9, minute=0, second=0)
    advance(system, f"{int((monday - now).total_seconds())}s")


def begin(system: Client, name: str = "trial_pauses_then_resumes") -> Player:
    """A trial that has just begun, and is left to itself: the rest of its history never reaches us,
    nor Stripe.
    """
    player = Player(system, Recording.load(ROOT / "tests" / "recordings" / f"{name}.json"))
    for event in player.recording.events:
        if event["created"] == player.recording.start:
            player.deliver(event)
            system.settle()
    return player


def advance(system: Client, length: str) -> dict[str, Any]:
    status, state = system.post("/_local/clock", {"advance": length})
    assert status == 200, state
    return dict(state)


def steps(system: Client, player: Player) -> list[str]:
    return [mail["step"] for mail in system.mail(player.account_id)]


def of_trial(system: Client, player: Player) -> list[str]:
    """The steps without those that try to win a lost trial back."""
    return [step for step in steps(system, player) if step not in RECOVERY]


def happenings(system: Client, player: Player) -> list[tuple[str, str]]:
    """The id and the type of each happening in the timeline, the oldest first."""
    return [
        (entry["id"], entry["type"])
        for entry in reversed(timeline(system, player))
        if entry["kind"] == "happening"
    ]


def timeline(system: Client, player: Player) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        status, page = system.call(
            "GET",
            f"/_local/accounts/{player.account_id}/timeline"
            + (f"?cursor={quote(cursor)}" if cursor else ""),
        )
        assert status == 200, page
        entries, cursor = entries + page["entries"], page["cursor"]
    return entries


def assert_in_time(mail: dict[str, Any], trial: dict[str, Any]) -> None:
    """Within its tolerance, and by the customer's clock within the hours of the policy."""
    step, at = STEPS[mail["step"]], datetime.fromisoformat(mail["at"])
    ends = datetime.fromisoformat(trial["trial_end"])
    anchor = ends if step.anchor == "trial_ends" else datetime.fromisoformat(trial["created"])
    if step.anchor == "milestone_waits":
        anchor += POLICY.milestones[mail["occasion"].partition("-")[0]].after
    latest = anchor + step.offset + step.tolerance
    assert (
        at <= (min(latest, ends) if step.offset < timedelta(0) else latest)
        or step.anchor == "converted"
    ), mail["step"]
    assert POLICY.mail is not None
    local, hours = at.astimezone(ZoneInfo(POLICY.mail.timezone)), POLICY.mail.hours
    assert step.at_any_hour or hours.first <= local.hour < hours.last, f"{mail['step']} at {local}"
    assert step.at_any_hour or step.on_any_day or local.weekday() in hours.days, (
        f"{mail['step']} at {local}"
    )


@pytest.mark.parametrize(
    ("name", "promised"), [("trial_pauses_then_resumes", RESUMED), ("trial_converts", WITH_CARD)]
)
def test_a_recorded_trial_gets_what_the_policy_promises(
    system: Client, name: str, promised: list[str]
) -> None:
    player = Player(system, Recording.load(ROOT / "tests" / "recordings" / f"{name}.json"))
    player.tell_stripe()
    for event in player.recording.events:
        player.deliver(event)
    assert player.compare(player.recording.checkpoints[-1]) == []
    advance(system, "30d")
    every_mail = system.mail(player.account_id)
    # The card of the recording expires in 2027, wherever the clock of the story has come to.
    mails = [mail for mail in every_mail if mail["step"] != "card_expires"]
    assert [mail["step"] for mail in mails] == promised
    account = system.account(player.account_id)
    assert account is not None
    for mail in mails:
        assert mail["to"] == account["email"]
        assert mail["stream"] == STEPS[mail["step"]].stream
        assert mail["subject"]
        assert "{{" not in mail["html"] + mail["text"] + mail["subject"]
        assert ("List-Unsubscribe" in mail["headers"]) is (mail["stream"] == "lifecycle")
        assert mail["events"] == ["send", "delivery"]
        assert_in_time(mail, account["subscriptions"][0])
    became = Counter(entry["type"] for entry in timeline(system, player) if entry["kind"] == "mail")
    assert became["mail.delivered"] == len(every_mail)
    assert system.state()["queues"] == AT_REST


def test_sixty_days_over_many_accounts_at_once(system: Client) -> None:
    players = [begin(system) for _ in range(4)]
    before = unix_seconds(system.state())
    state = advance(system, "60d")
    assert unix_seconds(state) >= before + 60 * 86400
    assert (state["queues"], state["stuck"]) == (AT_REST, [])
    for player in players:
        assert of_trial(system, player) == WITHOUT_CARD
        assert steps(system, player)[len(WITHOUT_CARD) :][:2] == ["lead_3", "lead_14"]
        standing = system.access(player.account_id)
        assert standing is not None
        assert (standing["access"], standing["reason"]) == ("none", "trial_expired")
        revoked = [kind for _, kind in happenings(system, player) if kind == "access.revoked"]
        assert revoked == ["access.revoked"], "told when it became true, once"


def test_what_readers_do_to_one_does_nothing_to_another(system: Client) -> None:
    bounced, bounced_for_now, complained, quiet = (begin(system) for _ in range(4))
    for player, kind in (
        (bounced, "bounce"),
        (bounced_for_now, "soft_bounce"),
        (complained, "complain"),
    ):
        (welcome,) = system.mail(player.account_id)
        status, mail = system.post(f"/_local/mail/{welcome['number']}/{kind}")
        assert (status, mail["events"]) == (200, ["send", "delivery", kind])
    advance(system, "30d")
    assert steps(system, bounced) == ["welcome"]
    assert steps(system, complained) == ["welcome", "ended"], "no lifecycle mail, but the notice"
    assert of_trial(system, bounced_for_now) == WITHOUT_CARD
    assert of_trial(system, quiet) == WITHOUT_CARD
    for player, told in (
        (bounced, "mail.bounced"),
        (bounced_for_now, "mail.bounced"),
        (complained, "mail.complained"),
    ):
        assert told in {entry["type"] for entry in timeline(system, player)}


def test_a_reader_unsubscribes_by_the_link_in_the_mailbox(system: Client) -> None:
    player = begin(system)
    (welcome,) = system.mail(player.account_id)
    status, page = system.call(
        "GET", f"/_local/mailbox/{welcome['number']}", headers={"Accept": "text/html"}
    )
    assert status == 200
    link = re.search(rf'href="{re.escape(system.base)}(/unsubscribe/[^"]+)"', page)
    assert link, "the link opens on this machine"
    status, shown = system.call("GET", link[1])
    assert status == 200
    assert "<form" in shown
    # Six days to the note, a weekend and its tolerance: whatever day of the week it is now.
    advance(system, "10d")
    assert steps(system, player) == ["welcome", "nudge", "nudge", "note"], (
        "to look at the page changes nothing"
    )
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert system.call("POST", link[1], b"List-Unsubscribe=One-Click", form)[0] == 200
    advance(system, "30d")
    assert steps(system, player) == ["welcome", "nudge", "nudge", "note", "ended"], (
        "a billing notice comes all the same"
    )


def test_with_the_stream_down_every_happening_still_comes_out_once(system: Client) -> None:
    with_stream = begin(system, "buys_without_trial")
    assert system.post("/_local/stream", {"on": False})[0] == 200
    try:
        without = begin(system, "buys_without_trial")
        advance(system, "1h")
        told = happenings(system, without)
        assert (
            sorted(kind for _, kind in told)
            == sorted(kind for _, kind in happenings(system, with_stream))
            != []
        )
        assert len({id for id, _ in told}) == len(told)
    finally:
        assert system.post("/_local/stream", {"on": True})[0] == 200
    assert happenings(system, without) == told, "the stream, back again, repeats nothing"
    assert system.state()["queues"] == AT_REST


def test_the_mailbox_is_for_people_too(system: Client) -> None:
    player = begin(system)
    (welcome,) = system.mail(player.account_id)
    browser = {"Accept": "text/html,application/xhtml+xml"}
    status, listed = system.call("GET", "/_local/mail", headers=browser)
    assert status == 200
    assert f'href="/_local/mailbox/{welcome["number"]}"' in listed
    status, page = system.call("GET", f"/_local/mail/{welcome['number']}", headers=browser)
    assert status == 200
    assert re.search(r'<iframe sandbox="[^"]*" srcdoc="', page)
    assert "allow-scripts" not in page
    for kind in ("bounce", "soft_bounce", "complain"):
        assert f'action="/_local/mail/{welcome["number"]}/{kind}"' in page
    status, control = system.call("GET", "/_local", headers=browser)
    assert status == 200
    assert f'href="/_local/accounts/{player.account_id}/timeline"' in control
    assert "trialing" in control
    assert (
        system.call("POST", f"/_local/mail/{welcome['number']}/soft_bounce", headers=browser)[0]
        == 303
    )
    assert (
        system.call(
            "POST",
            f"/_local/mail/{welcome['number']}/bounce",
            headers={"Origin": "https://elsewhere.example"},
        )[0]
        == 403
    )
    assert system.call("POST", "/_local/mail/999999/bounce")[0] == 400
    assert system.call("POST", f"/_local/mail/{welcome['number']}/frown")[0] == 404


def test_outgoing_calls_are_shown_without_secrets(system: Client) -> None:
    player = begin(system)
    status, calls = system.call("GET", "/_local/outgoing")
    assert status == 200
    about = [
        call
        for call in calls
        if player.account_id in str(call)
        or str(player.recording.events[0]["data"]["object"]["id"]) in str(call)
    ]
    asked = [call for call in about if call["to"] == "stripe"]
    assert asked, "an account is asked for when it is adopted"
    assert all(call.keys() == {"at", "to", "kind", "headers", "body", "status"} for call in calls)
    assert [call["status"] for call in about if call["to"] == "ses"] == [200]
    assert "sk_test" not in str(calls)
    assert system.state()["webhook_secret"] not in str(calls)


def test_the_player_shows_the_mails_of_the_time_after(
    start_system: Callable[[], Client], capsys: pytest.CaptureFixture[str]
) -> None:
    from local.__main__ import main

    port = start_system().base.rsplit(":", 1)[1]
    arguments = [
        "play",
        "tests/recordings/trial_pauses_then_resumes.json",
        "--port",
        port,
        "--advance",
        "30d",
    ]
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    mails = [line for line in lines if " mail " in line]
    assert [line.split("mail ")[1].split(":")[0] for line in mails][
        : len(WITHOUT_CARD)
    ] == WITHOUT_CARD
    paused = next(line for line in lines if "customer.subscription.paused" in line)
    assert lines.index(mails[5]) < lines.index(paused) < lines.index(mails[6]), (
        "each stands where it happened"
    )
    assert any("the clock was moved on" in line for line in lines)
