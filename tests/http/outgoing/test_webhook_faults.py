"""Receivers whose TLS or DNS is wrong, through the functions on moto and real connections: the log
tells the fault, nothing is lost, and nobody else waits.
"""

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.entry.triggers.schedules import sweep_due
from chalicelib.outgoing.transport import Transport
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from local.aws.lambda_context import LambdaContext
from tests.adapters.outgoing.receivers import Receiver, answer, certificate, receiving
from tests.http.conftest import Stage
from tests.http.outgoing.test_webhook_endpoints import Api, happens
from tests.http.triggers.test_mail_queue import TICK

ILL, WELL = "hooks.example.com", "well.example.com"
PRIVATE = ["10.0.0.8"]
HERE = ["127.0.0.1"]
"""The receivers of these tests are on this machine, which stands for the public internet."""


@dataclass
class Internet:
    """The names that these tests resolve, and what certificates are trusted. `asked` are the names
    in the order in which they were resolved.
    """

    folder: Path
    addresses: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    def resolve(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return self.addresses.get(host, HERE)

    def serves(
        self, host: str, ends: timedelta = timedelta(days=1), is_trusted: bool = True
    ) -> ssl.SSLContext:
        """What a server of that name needs, with a certificate of its own."""
        folder = self.folder / f"{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        context, file = certificate(folder, host, ends=ends)
        if is_trusted:
            self.trust.load_verify_locations(str(file))
        return context

    @contextmanager
    def receiver(self, host: str, context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
        """A server that takes every event."""
        with receiving(answer(200), context or self.serves(host)) as started:
            yield started


@pytest.fixture
def internet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Internet:
    made = Internet(tmp_path)
    transport = Transport(10, loopback=True, resolve=made.resolve, trust=made.trust)
    monkeypatch.setattr(wiring, "caller", lambda: transport)
    # A run waits for the retry after five seconds; here the next sweep makes it.
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return made


@pytest.fixture
def api(stage: Stage) -> Api:
    return Api(stage)


@pytest.fixture
def passes(api: Api, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Time passes, and the sweep wakes what is due."""

    def pass_time(**time: float) -> None:
        monkeypatch.setattr(clock, "_ahead", clock._ahead + timedelta(**time))
        sweep_due(TICK, LambdaContext("sweep_due", 60))
        api.delivers()

    return pass_time


def made(api: Api, receiver: Receiver, host: str) -> dict[str, Any]:
    return api.made(url=receiver.url(host), events=["account.created"])


def told(receiver: Receiver) -> list[str]:
    """The ids of the events that a receiver got."""
    bodies = (request.partition(b"\r\n\r\n")[2] for request in receiver.requests)
    return [json.loads(body)["id"] for body in bodies]


def untrusted(internet: Internet) -> ssl.SSLContext:
    return internet.serves(ILL, is_trusted=False)


def expired(internet: Internet) -> ssl.SSLContext:
    return internet.serves(ILL, ends=timedelta(days=-1))


def of_another_host(internet: Internet) -> ssl.SSLContext:
    return internet.serves("other.example.com")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (untrusted, "TLS: self-signed certificate"),
        (expired, "TLS: certificate has expired"),
        (of_another_host, "TLS: Hostname mismatch"),
    ],
)
def test_wrong_tls_is_in_the_log_and_what_waits_arrives_once_it_is_mended(
    api: Api,
    internet: Internet,
    passes: Callable[..., None],
    wrong: Callable[[Internet], ssl.SSLContext],
    error: str,
) -> None:
    with internet.receiver(ILL, wrong(internet)) as ill, internet.receiver(WELL) as well:
        faulty, fine = made(api, ill, ILL), made(api, well, WELL)
        happens(api.stage)
        api.delivers()
        pending, failed = api.log(faulty)
        assert (pending["status"], failed["status"], "code" in failed) == (
            "pending",
            "failed",
            False,
        )
        assert failed["error"].startswith(error)
        assert ill.requests == [], "no byte of the event went to who could not prove its name"
        assert [row["status"] for row in api.log(fine)] == ["succeeded"], "nobody else waits"
        ill.context = internet.serves(ILL)
        passes(minutes=1)
        assert [row["status"] for row in api.log(faulty)] == ["succeeded", "failed"]
        assert told(ill) == told(well) == [failed["event_id"]]


def test_a_name_that_turns_private_after_its_registration_is_not_called(
    api: Api, internet: Internet, passes: Callable[..., None]
) -> None:
    with internet.receiver(ILL) as ill, internet.receiver(WELL) as well:
        faulty, fine = made(api, ill, ILL), made(api, well, WELL)
        internet.addresses[ILL] = PRIVATE
        happens(api.stage)
        api.delivers()
        _, failed = api.log(faulty)
        assert failed["error"] == "Not called: the host has an address that is not public."
        assert [row["status"] for row in api.log(fine)] == ["succeeded"], "nobody else waits"
        internet.addresses[ILL] = [*HERE, *PRIVATE]
        passes(minutes=1)
        assert [row["status"] for row in api.log(faulty)] == ["pending", "failed", "failed"]
        assert ill.requests == [], "one private address among others is enough"
        internet.addresses[ILL] = HERE
        passes(minutes=6)
        assert api.log(faulty)[0]["status"] == "succeeded"
        assert told(ill) == [failed["event_id"]]


def test_a_name_that_turns_private_between_two_attempts_is_not_called_again(
    api: Api, internet: Internet, passes: Callable[..., None]
) -> None:
    with internet.receiver(ILL) as ill:
        ill.respond = answer(503)
        faulty = made(api, ill, ILL)
        happens(api.stage)
        api.delivers()
        assert len(ill.requests) == 1
        internet.addresses[ILL] = ["::ffff:10.0.0.8"]
        passes(minutes=1)
        assert len(ill.requests) == 1
        assert [row.get("code") for row in api.log(faulty)] == [None, None, 503]
        assert "not public" in api.log(faulty)[1]["error"]
        assert internet.asked == [ILL, ILL], "each attempt looks once, and anew"


def test_the_functions_log_tells_neither_host_nor_certificate(api: Api, internet: Internet) -> None:
    with internet.receiver(ILL, untrusted(internet)) as ill:
        made(api, ill, ILL)
        happens(api.stage)
        api.delivers()
        (line,) = api.stage.logged("Events were delivered")
        assert line["events"][0].endswith("account.created attempt 1 no answer")
        assert ILL not in json.dumps(line)
