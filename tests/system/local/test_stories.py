"""Stories told to the whole system over HTTP, as Stripe and the product would."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from local.aws.partner_bus import enveloped
from local.client import Client, unix_seconds
from local.recordings import Recording
from local.replay import Manner, Player, differences, schedule

ROOT = Path(__file__).parents[3]
AT_REST = {"events": 0, "act": 0, "mail": 0, "deliveries": 0, "dead_letters": 0}
ACCESS = {
    "trialing": "full",
    "active": "full",
    "past_due": "full",
    "paused": "none",
    "canceled": "none",
}


def test_a_history_in_order_ends_as_stripe_has_it(system: Client, recording: Recording) -> None:
    player = Player(system, recording)
    assert player.tell_stripe()
    delivered = 0
    # Whoever asks this Stripe is told all of a second. So of checkpoints that share one, Billhook
    # may be at the last before its events have come.
    of_seconds = {checkpoint["at"]: checkpoint for checkpoint in player.recording.checkpoints}
    for checkpoint in of_seconds.values():
        until = player.recording.events_until(checkpoint)
        for event in player.recording.events[delivered:until]:
            player.deliver(event)
        delivered = until
        assert player.compare(checkpoint) == []
        (subscription,) = checkpoint["subscriptions"]
        standing = system.access(player.account_id)
        assert standing is not None
        assert standing["access"] == ACCESS[subscription["status"]], standing
        assert (
            standing["plan"]
            == subscription["items"]["data"][0]["price"]["lookup_key"].split("_")[0]
            or standing["access"] == "none"
        )
    assert system.state()["queues"] == AT_REST


def test_a_history_shuffled_and_doubled_ends_as_stripe_has_it(
    system: Client, recording: Recording
) -> None:
    player = Player(system, recording)
    player.tell_stripe()
    events, left_out = schedule(player.recording.events, Manner(shuffle=1, double=0.4))
    assert len(events) > len(player.recording.events)
    assert left_out == []
    for event in events:
        player.deliver(event)
    assert player.compare(player.recording.checkpoints[-1]) == []
    assert system.state()["queues"] == AT_REST


def test_a_history_by_eventbridge_and_by_the_route_at_once_ends_as_stripe_has_it(
    system: Client, recording: Recording
) -> None:
    player = Player(system, recording)
    player.tell_stripe()
    events, _ = schedule(player.recording.events, Manner(shuffle=3, double=0.4))
    for number, event in enumerate(events):
        if number % 3 != 0:
            player.deliver(event)
        if number % 3 != 1:
            taken = system.post("/_local/eventbridge", enveloped(event))
            assert taken == (200, {"matched": True})
    assert player.compare(player.recording.checkpoints[-1]) == []
    assert system.state()["queues"] == AT_REST


def test_lost_events_break_nothing(system: Client) -> None:
    player = Player(system, Recording.load(ROOT / "tests/recordings/trial_converts.json"))
    player.tell_stripe()
    events, left_out = schedule(player.recording.events, Manner(shuffle=5, drop=0.3))
    assert left_out
    for event in events:
        player.deliver(event)
    system.settle()
    assert system.access(player.account_id) is not None
    assert system.state()["queues"] == AT_REST


def test_a_thousand_events_for_one_account_at_once_all_arrive(system: Client) -> None:
    player = Player(system, Recording.load(ROOT / "tests/recordings/buys_without_trial.json"))
    bought = player.recording.events[:9]
    created = next(event for event in bought if event["type"] == "customer.subscription.created")
    updates = [
        {
            **created,
            "id": f"{created['id']}n{number:04}",
            "type": "customer.subscription.updated",
            "created": created["created"] + 1 + number,
        }
        | {
            "data": {
                "object": created["data"]["object"] | {"cancel_at_period_end": number % 2 == 0},
                "previous_attributes": {},
            }
        }
        for number in range(1000)
    ]
    player.recording = replace(player.recording, events=bought + updates)
    player.tell_stripe()
    for event in bought:
        player.deliver(event)
    state = system.move_clock(updates[-1]["created"])
    now, secret = unix_seconds(state), state["webhook_secret"]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda event: system.send_event(event, secret, now)[0], updates))
    assert set(answers) == {200}
    state = system.settle()
    assert state["queues"] == AT_REST
    truth = player.recording.truth().subscriptions[created["data"]["object"]["id"]]
    assert differences(system.account(player.account_id), {"subscriptions": [truth]}) == [], (
        "the newest of them is what counts"
    )
    assert {event["id"] for event in updates} <= _events_in_timeline(system, player.account_id), (
        "none is lost"
    )


def test_the_clock_only_goes_forward(system: Client) -> None:
    before = system.state()
    for wrong in (
        {"to": "2020-01-01T00:00:00Z"},
        {"to": 1},
        {"advance": "-1d"},
        {"advance": "soon"},
        {"to": True},
        {"back": "1d"},
        {},
        [],
    ):
        status, body = system.post("/_local/clock", wrong)
        assert (status, body["error"]["code"]) == (400, "invalid"), wrong
    status, after = system.post("/_local/clock", {"advance": "3d"})
    assert status == 200
    assert unix_seconds(after) >= unix_seconds(before) + 3 * 86400
    status, later = system.post("/_local/clock", {"to": unix_seconds(after) + 60})
    assert status == 200
    assert unix_seconds(later) >= unix_seconds(after) + 60


def test_the_control_room_tells_where_everything_is(system: Client) -> None:
    state = system.state()
    assert state.keys() == {
        "now",
        "api_key",
        "admin_key",
        "product_url",
        "webhook_secret",
        "stripe_base",
        "queues",
        "due_at",
        "stuck",
    }
    status, page = system.call("GET", "/_local")
    assert status == 200
    assert state["stripe_base"] in page
    assert system.call("GET", "/_local/state", headers={"Host": "billhook.example"})[0] == 403, (
        "not under a name that was made to point here"
    )
    assert system.call("GET", "/_local/nothing")[0] == 404


def test_two_systems_at_once_know_nothing_of_each_other(
    system: Client, start_system: Callable[[], Client]
) -> None:
    recording = Recording.load(ROOT / "tests/recordings/canceled_at_once.json")
    players = [Player(system, recording), Player(start_system(), recording)]
    clients = [system, players[1].client]

    def play(player: Player) -> list[str]:
        player.tell_stripe()
        for event in player.recording.events:
            player.deliver(event)
        return player.compare(player.recording.checkpoints[-1])

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(play, players)) == [[], []]
    for client, other in zip(clients, reversed(players), strict=True):
        assert client.access(other.account_id) is None


def test_a_taken_port_is_said_in_one_sentence(system: Client) -> None:
    port = system.base.rsplit(":", 1)[1]
    run = subprocess.run(
        [sys.executable, "-m", "local", "run", "--port", port],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert port in run.stderr


def test_the_player_prints_a_line_for_each_event(system: Client) -> None:
    port = system.base.rsplit(":", 1)[1]
    arguments = [
        "tests/recordings/canceled_at_once.json",
        "--port",
        port,
        "--shuffle",
        "7",
        "--double",
        "0.3",
    ]
    run = subprocess.run(
        [sys.executable, "-m", "local", "play", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert lines[-1] == "the account is what Stripe holds"
    assert any("customer.subscription.deleted" in line and "none" in line for line in lines)
    assert any("(again)" in line for line in lines)


def test_it_ends_with_its_emulator() -> None:
    """Started and told to end: the port is free again, and nobody listens at the emulator's."""
    output: list[str] = []
    told = threading.Event()
    process = subprocess.Popen(
        [sys.executable, "-m", "local", "run", "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            output.append(line)
            if line.startswith("Play a recorded customer"):
                told.set()

    threading.Thread(target=read, daemon=True).start()
    assert told.wait(60)
    assert [line.strip() for line in output[: output.index("\n")]] == [
        "Starting Billhook:",
        "AWS emulator",
        "simulated Stripe",
        "table, queues and secrets",
        "functions and control room",
        "HTTP server",
    ]
    emulator = next(line.split()[-1] for line in output if "AWS emulator  " in line)
    assert Client(emulator).call("GET", "/_ministack/health")[0] == 200
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(30) == 0
    with pytest.raises(Exception, match="does not answer"):
        Client(emulator).call("GET", "/_ministack/health")


def _events_in_timeline(system: Client, account_id: str) -> set[str]:
    """The ids of all Stripe events in an account's timeline, over all its pages."""
    found: set[str] = set()
    cursor = ""
    while True:
        status, page = system.call("GET", f"/accounts/{account_id}/timeline{cursor}")
        assert status == 200, page
        found |= {entry["id"] for entry in page["entries"]}
        if not page.get("cursor"):
            return found
        cursor = f"?cursor={quote(page['cursor'])}"


def test_a_mistake_in_billing_toml_is_named_at_the_start(tmp_path: Path) -> None:
    for part in ("app.py", "chalicelib", "local", "ops", ".chalice", ".emulator"):
        (tmp_path / part).symlink_to(ROOT / part)
    (tmp_path / "chalicelib").unlink()
    shutil.copytree(
        ROOT / "chalicelib", tmp_path / "chalicelib", ignore=shutil.ignore_patterns("__pycache__")
    )
    policy = tmp_path / "chalicelib" / "billing.toml"
    policy.write_text(policy.read_text().replace("days = 14", "days = 0"))
    run = subprocess.run(
        [sys.executable, "-m", "local", "run", "--port", "0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 1
    assert "trial.days: must be a whole number from 1 to 730" in run.stderr
    assert "Traceback" not in run.stderr
