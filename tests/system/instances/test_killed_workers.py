"""The process that calls the provisioner is killed: one instance is left, and the next run goes on
with the same request.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import urllib3

from chalicelib.aws.accounts import Accounts
from chalicelib.domain.account.facts import GrantGiven
from chalicelib.domain.account.parts.instance import Instance
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account, Grant
from chalicelib.domain.policy.read import read_policy
from chalicelib.domain.schedule.versions import next_version
from chalicelib.runtime.clock import clock
from local.aws.emulator import Emulator, die_with_parent
from local.aws.resources import Resources, client, create
from local.http_server import Answer, NoAnswer, Request, Server, json_answer
from tests.fakes.services import ROOT
from tests.unit.usecases.instances.owner import DAY, SECRET

HASH_KEY = "0" * 64
WRITES = ("PutItem", "TransactWriteItems", "UpdateItem")


@dataclass
class Wire:
    """What is between the worker and everything else: it ends the worker at `kill_at`, with what it
    asked for done or not.
    """

    endpoint: str
    kill_at: str = ""
    worker: subprocess.Popen[bytes] | None = None
    asked: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)

    def aws(self, request: Request) -> Answer:
        """Pass a call on to the emulator."""
        operation = request.headers.get("X-Amz-Target", "").partition(".")[2]
        is_answer_written = bool(self.asked) and operation in WRITES
        if is_answer_written and self.kill_at == "before the answer is written":
            self.ends()
        passed = urllib3.request(
            request.method,
            f"{self.endpoint}{request.path}",
            headers=dict(request.headers.items()),
            body=request.body,
            retries=False,
        )
        if is_answer_written and self.kill_at == "after the answer is written":
            self.ends()
        kind = passed.headers.get("Content-Type", "application/x-amz-json-1.0")
        return Answer(passed.status, passed.data, [("Content-Type", kind)])

    def provisioner(self, request: Request) -> Answer:
        """Make one instance for an account, however often it is asked for."""
        told = json.loads(request.body)
        self.asked.append(told["request_id"])
        if self.kill_at == "before the provisioner does it":
            self.ends()
        if told["account"]["id"] not in self.made:
            self.made.append(told["account"]["id"])
        if self.kill_at == "once the provisioner did it":
            self.ends()
        return json_answer({"status": "ready", "url": f"http://127.0.0.1:8100/{self.made[0]}"})

    def ends(self) -> None:
        """Kill the worker, which hears nothing any more."""
        assert self.worker
        self.kill_at = ""
        os.kill(self.worker.pid, signal.SIGKILL)
        self.worker.wait()
        raise NoAnswer


@dataclass
class Stage:
    wire: Wire
    resources: Resources
    proxy: str
    policy: Path

    @property
    def accounts(self) -> Accounts:
        dynamodb = client("dynamodb", self.wire.endpoint)
        return Accounts(self.resources.table_name, lambda: HASH_KEY, dynamodb)

    def grants(self, id: str) -> None:
        """The account gets access, and with it the wish for an instance."""
        policy, now = read_policy(self.policy.read_text()), clock.now()
        given = apply(Account(id), GrantGiven(Grant(now + 9 * DAY, "pro")))
        self.accounts.save(Account(id), next_version(Account(id), given, policy, now))

    def instance(self, id: str) -> Instance:
        account = self.accounts.load(id)
        assert account
        assert account.instance
        return account.instance

    def works(self, id: str, ahead: int = 1) -> int:
        """Run a worker to its end, some seconds from now; its exit status."""
        environment = self.resources.environment() | {
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": self.proxy,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
            "STAGE": "local",
            "LIVEMODE": "false",
            "POWERTOOLS_METRICS_DISABLED": "true",
            "POWERTOOLS_METRICS_NAMESPACE": "Billhook",
            "NO_PROXY": "127.0.0.1",
        }
        command = [sys.executable, "-m", "tests.system.instances.killed_worker"]
        self.wire.worker = subprocess.Popen(
            [*command, id, str(ahead), str(self.policy)],
            cwd=ROOT,
            env=environment,
            preexec_fn=die_with_parent(),
        )
        return self.wire.worker.wait(120)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Emulator() as emulator:
        secrets = {"hash-key": HASH_KEY, "instance-secret": SECRET}
        wire = Wire(emulator.endpoint)
        proxy, provisioner = Server(0, wire.aws), Server(0, wire.provisioner)
        proxy.start()
        provisioner.start()
        policy = tmp_path_factory.mktemp("policy") / "billing.toml"
        table = f'\n[instance]\ntarget = "{provisioner.base}"\nhosts = ["127.0.0.1"]\n'
        policy.write_text((ROOT / "chalicelib" / "billing.toml").read_text() + table)
        yield Stage(wire, create(emulator.endpoint, secrets), proxy.base, policy)
        proxy.close()
        provisioner.close()


KILLED: dict[str, Any] = {
    "before the provisioner does it": 2,
    "once the provisioner did it": 2,
    "before the answer is written": 2,
    "after the answer is written": 1,
}
"""Where the process ends → how often the provisioner is asked in all."""


@pytest.mark.parametrize("at", KILLED)
def test_a_killed_worker_leaves_one_instance_and_the_next_one_goes_on(
    stage: Stage, at: str
) -> None:
    account = f"acc_{list(KILLED).index(at)}"
    stage.grants(account)
    stage.wire.asked, stage.wire.made, stage.wire.kill_at = [], [], at
    assert stage.works(account) == -signal.SIGKILL
    assert stage.works(account) == 0, "too soon: the first call may still be under way"
    assert len(stage.wire.asked) == 1
    assert stage.works(account, ahead=60) == 0
    assert stage.instance(account).status == "ready"
    assert stage.wire.made == [account]
    assert len(stage.wire.asked) == KILLED[at]
    assert len(set(stage.wire.asked)) == 1, "the same request"
