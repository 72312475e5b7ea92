"""The example product as a part of the running system."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime

import pytest

from chalicelib.domain.instances.drift import read_list
from chalicelib.domain.outgoing.signature import as_secret
from local.aws.emulator import die_with_parent, free_port
from local.client import Client
from ops.stage.provisioner import list_of
from tests.system.conftest import ROOT, wait_for

SECRET = as_secret(b"the secret of the example product")


def fetched(url: str) -> tuple[int, str]:
    try:
        answer = urllib.request.urlopen(url, timeout=30)
    except urllib.error.HTTPError as refused:
        answer = refused
    with answer:
        return int(answer.status or 0), answer.read().decode()


def is_there(url: str) -> bool:
    try:
        fetched(url)
    except OSError:
        return False
    return True


def listed(system: Client, product: str) -> dict[str, str]:
    """The product's own list, asked for as `ops instances drift` does."""
    now = datetime.fromisoformat(system.state()["now"])
    return read_list(list_of(f"{product}/instances", SECRET, now))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda one: one.name)
def test_the_product_serves_a_signup_follows_the_clock_and_ends_with_the_system(
    number: signal.Signals,
) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "local", "run", "--port", str(port)],
        cwd=ROOT,
        env=os.environ | {"PRODUCT": "example", "INSTANCE_SECRET": SECRET},
        preexec_fn=die_with_parent(),
    )
    system = Client(f"http://127.0.0.1:{port}")
    wait_for(system, process)
    product = system.state()["product_url"]
    _, body = system.post("/signups", {"email": "ada@example.com", "name": "Ada Byron"})
    system.settle()
    account = system.account(body["account_id"])
    assert account
    url = account["instance"]["url"]
    assert url.startswith(f"{product}/w/")
    status, page = fetched(url)
    assert (status, "First steps" in page) == (200, True)
    assert listed(system, product) == {body["account_id"]: "ready"}
    assert system.post("/_local/clock", {"advance": "17d"})[0] == 200
    account = system.account(body["account_id"])
    assert account
    assert account["instance"]["status"] == "suspended", "its clock is the system's"
    assert listed(system, product) == {body["account_id"]: "suspended"}
    status, page = fetched(url)
    assert (status, "Your trial has ended" in page) == (402, True)
    process.send_signal(number)
    process.wait(30)
    while is_there(product):
        time.sleep(0.1)
