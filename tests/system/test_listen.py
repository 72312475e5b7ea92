"""python -m ops listen: a developer's program hears the events of a running system."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from chalicelib.domain.errors import InvalidInput, Unavailable
from local.client import Client
from local.http_server import Answer, Request, Server
from ops.stage import listening
from ops.stage.listening import EventsApi, StateFile, check_target, follow, forward, line_of

BASE = "http://127.0.0.1:1"


@pytest.fixture
def program() -> Iterator[tuple[str, list[Request]]]:
    """A developer's program: its address, and what was posted to it."""
    posted: list[Request] = []

    def answer(request: Request) -> Answer:
        posted.append(request)
        return Answer(204, b"", [])

    server = Server(0, answer)
    server.start()
    yield f"{server.base}/hooks", posted
    server.close()


def nobody_waits() -> None:
    raise AssertionError("there are events")


def signs_up(system: Client, email: str) -> str:
    status, body = system.post("/signups", {"email": email})
    assert status == 201, body
    system.settle()
    return str(body["account_id"])


def test_a_program_hears_each_event_signed_and_goes_on_where_it_stopped(
    system: Client, program: tuple[str, list[Request]], tmp_path: Path
) -> None:
    url, posted = program
    api = EventsApi(system.base, system.api_key or "")
    file = StateFile(system.base, system.api_key or "", tmp_path)
    secret = file.load().secret
    for email in ("listen-1@example.com", "listen-2@example.com"):
        account = signs_up(system, email)
        mine = (
            event
            for event in follow(api, file, ["trial.started"], nobody_waits)
            if event["data"]["account_id"] == account
        )
        event = next(mine)
        assert forward(event, url, secret) == "204"
        request = posted.pop()
        headers = {name.lower(): value for name, value in request.headers.items()}
        heard = Webhook(secret).verify(request.body.decode(), headers)
        assert heard == json.loads(request.body) == event
        assert line_of(event).endswith(f"trial.started  {account}  #{event['sequence']}")
    assert StateFile(system.base, system.api_key or "", tmp_path).load().secret == secret


def test_events_of_an_answer_are_read_again_until_the_next_one_is_asked_for(
    tmp_path: Path,
) -> None:
    class Api(EventsApi):
        def page(self, cursor: str | None, types: object) -> tuple[list[dict[str, str]], str]:
            number = int(cursor or 0)
            return [{"id": f"e{2 * number}"}, {"id": f"e{2 * number + 1}"}], str(number + 1)

    def heard(number: int) -> list[str]:
        file = StateFile(BASE, "key", tmp_path)
        return [one["id"] for one in islice(follow(Api(BASE, "key"), file, ()), number)]

    assert heard(3) == ["e0", "e1", "e2"], "the third is of the second answer"
    assert heard(2) == ["e2", "e3"], "which is not done with"
    another = StateFile(BASE, "another key", tmp_path)
    assert another.load().cursor is None, "it may be another system behind the same address"


def answering(monkeypatch: pytest.MonkeyPatch, status: int, body: bytes) -> None:
    monkeypatch.setattr(listening, "call", lambda *_, **__: (status, body))


def test_a_cursor_that_is_too_old_goes_on_with_the_oldest_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answering(monkeypatch, 410, b'{"error": {"code": "cursor_expired", "oldest": "c9"}}')
    assert EventsApi(BASE, "key").page("c1", ()) == ([], "c9")


def test_a_refused_key_is_named_and_a_busy_system_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answering(monkeypatch, 401, b'{"error": {"message": "This key is not known."}}')
    with pytest.raises(InvalidInput, match="This key is not known"):
        EventsApi(BASE, "key").page(None, ())
    answering(monkeypatch, 503, b"no JSON")
    with pytest.raises(Unavailable):
        EventsApi(BASE, "key").page(None, ())


@pytest.mark.parametrize(
    "url", ["http://example.com/hooks", "http://127.0.0.1.example.com/", "ftp://127.0.0.1/", "x"]
)
def test_events_are_forwarded_to_this_machine_only(url: str) -> None:
    with pytest.raises(InvalidInput):
        check_target(url, any_target=False)


def test_another_target_is_a_choice_and_loopback_is_none() -> None:
    check_target("https://example.com/hooks", any_target=True)
    for url in ("http://127.0.0.1:3000/hooks", "http://localhost:3000", "http://[::1]:3000/"):
        check_target(url, any_target=False)


def test_a_program_that_is_not_there_ends_nothing() -> None:
    event = {"id": "e1", "type": "trial.started", "data": {}}
    assert "does not answer" in forward(event, BASE, "whsec_" + "QUJD" * 8)
