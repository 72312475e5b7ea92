"""The operator's commands on a stage in the emulator with the simulated Stripe beside it.

Commands run in this process; two run as processes of their own, as an operator starts them. The
worker of an older release, which cannot read everything, is a process too.
"""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.aws.accounts import Accounts
from chalicelib.aws.queues import Queue
from chalicelib.domain.account.state import Account
from local.aws.emulator import Emulator
from local.aws.resources import Resources, client, create
from local.aws.template import REGION
from local.client import Client
from local.stripe_sim.api.simulator import StripeSimulator
from local.stripe_sim.lifecycle.catalogue import catalogue
from ops.__main__ import main
from tests.fakes.services import POLICY
from tests.fakes.stripe.sim import pairs
from tests.http.conftest import CACHES
from tests.system.local.worker import work

ROOT = Path(__file__).parents[3]
STAGE = "dev"
HASH_KEY = "0" * 64
ADDRESS = "ada.private@example.com"

OWN = ("AWS_", "STRIPE_", "STAGE", "LIVEMODE")
"""How the variables begin of which a command sees the stage's alone."""


@dataclass
class Shop:
    """A stage and its Stripe, whose clock is ours."""

    emulator: str
    resources: Resources
    ago: timedelta = timedelta(0)
    stripe: StripeSimulator = field(init=False)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return kept | {
            "AWS_ENDPOINT_URL": self.emulator,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": "127.0.0.1",
            "STRIPE_API_BASE": self.stripe.base,
        }

    def ops(self, *arguments: str, says: str = "", status: int = 0) -> str:
        """Run a command in this process; what it printed."""
        said = io.StringIO()
        with self._here(self.environment) as patch, redirect_stdout(said), redirect_stderr(said):
            patch.setattr("sys.stdin", io.StringIO(says))
            assert main([*arguments, "--stage", STAGE]) == status, said.getvalue()
        return said.getvalue()

    def ops_process(self, *arguments: str, says: str = "", status: int = 0) -> str:
        """Run a command as an operator starts it; what it printed."""
        run = subprocess.run(
            [sys.executable, "-m", "ops", *arguments, "--stage", STAGE],
            cwd=ROOT,
            env=self.environment,
            input=says,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert run.returncode == status, run.stdout + run.stderr
        assert "Traceback" not in run.stderr
        return run.stdout + run.stderr

    def works(self, release: Path = ROOT) -> None:
        """Let the worker of a release take in what is in the events queue."""
        functions = {
            **self.environment,
            **self.resources.environment(),
            "STAGE": STAGE,
            "LIVEMODE": "false",
            "POWERTOOLS_METRICS_DISABLED": "true",
        }
        if release == ROOT:
            with self._here(functions):
                work()
            return
        run = subprocess.run(
            [sys.executable, "-c", f"from {work.__module__} import work; work()"],
            cwd=release,
            env=functions,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert run.returncode == 0, run.stderr

    @contextmanager
    def _here(self, environment: dict[str, str]) -> Iterator[pytest.MonkeyPatch]:
        """This process with the variables of another one, and with nothing left of what it read
        before.
        """
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith(OWN)]:
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.setattr("chalicelib.aws.stage.dead_letters.WAIT", 0)
            _forget()
            yield patch
        _forget()

    def trial(self, name: str, days_ago: int) -> str:
        """A trial of 14 days without a card that began at Stripe so long ago; the customer's id.
        Billhook hears of nothing.
        """
        self.ago = timedelta(days=days_ago)
        stripe = Client(self.stripe.base, "sk_test_1")
        customer = self.post(stripe, "/v1/customers", email=ADDRESS, metadata={"account_id": name})[
            "id"
        ]
        (price,) = stripe.call("GET", "/v1/prices?lookup_keys[0]=pro_monthly")[1]["data"]
        end = {"end_behavior": {"missing_payment_method": "pause"}}
        self.post(
            stripe,
            "/v1/subscriptions",
            customer=customer,
            items=[{"price": price["id"]}],
            trial_period_days=14,
            trial_settings=end,
        )
        return str(customer)

    def until_now(self) -> None:
        """Let Stripe come to the present."""
        self.ago = timedelta(0)
        self.stripe.catch_up()

    def post(self, stripe: Client, path: str, **parameters: Any) -> Any:
        from urllib.parse import urlencode

        status, body = stripe.call(
            "POST",
            path,
            urlencode(pairs(parameters)).encode(),
            {"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert status == 200, body
        return body

    def hears(self, customer: str) -> None:
        """All that Stripe tells of a customer arrives in the events queue, as the webhook puts it
        there.
        """
        for event in self.stripe.engine.store.events:
            thing = event["data"]["object"]
            if customer in (thing["id"], thing.get("customer")):
                self.queue("EventsQueue").send(json.dumps(event))

    def queue(self, name: str) -> Queue:
        return Queue(self.resources.queue(name).ref, client("sqs", self.emulator))

    def account(self, id: str) -> Account | None:
        return Accounts(
            self.resources.table_name, lambda: HASH_KEY, client("dynamodb", self.emulator)
        ).load(id)


def _forget() -> None:
    for cached in CACHES:
        cached.cache_clear()


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with Emulator() as emulator:
        secrets = {"stripe-api-key": "sk_test_1", "hash-key": HASH_KEY}
        resources = create(emulator.endpoint, secrets, prefix=f"billhook-{STAGE}")
        _stack(emulator.endpoint, resources)
        yield Shop(emulator.endpoint, resources)


@pytest.fixture(autouse=True)
def stripe(shop: Shop) -> Iterator[None]:
    """A Stripe of each story's own, a month back: its clock only goes forward."""
    shop.ago = timedelta(days=30)
    shop.stripe = StripeSimulator(lambda: datetime.now(UTC) - shop.ago)
    shop.stripe.start()
    shop.stripe.register(catalogue(POLICY))
    yield
    shop.stripe.close()


def _stack(endpoint: str, resources: Resources) -> None:
    """A stack that tells of the stage what the deployed one tells."""
    outputs = {
        "TableName": resources.table_name,
        "EventsQueueUrl": resources.events_queue_url,
        "DeadLettersQueueUrl": resources.dead_letters_queue_url,
        "ActQueueUrl": resources.queue("ActQueue").ref,
        "MailQueueUrl": resources.queue("MailQueue").ref,
        "DeliveriesQueueUrl": resources.queue("DeliveriesQueue").ref,
        "FeedbackFunctionName": "take-feedback",
        "Webhooks": "false",
        "ParametersPath": resources.parameters_path,
    }
    template = {
        "Resources": {"Stand": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    cloudformation = client("cloudformation", endpoint)
    cloudformation.create_stack(StackName=f"billhook-{STAGE}", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=f"billhook-{STAGE}", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )


@pytest.fixture(scope="module")
def older_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release that has not heard of paused subscriptions."""
    place = tmp_path_factory.mktemp("older")
    shutil.copytree(
        ROOT / "chalicelib", place / "chalicelib", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("local", "tests"):
        (place / name).symlink_to(ROOT / name)
    objects = place / "chalicelib" / "domain" / "stripe_objects" / "objects.py"
    known = objects.read_text()
    assert known.count(', "paused"}') == 1
    objects.write_text(known.replace(', "paused"}', "}"))
    return place


def test_a_poisoned_event_is_listed_with_its_reason_and_redriven_after_the_fix(
    shop: Shop, older_release: Path
) -> None:
    customer = shop.trial("acc_poisoned", 20)
    shop.until_now()
    shop.hears(customer)
    shop.works(older_release)
    before = shop.account("acc_poisoned")
    assert before is None or "paused" not in {
        known.value.status for known in before.subscriptions.values()
    }

    listed = shop.ops_process("dead", "list")
    rows = [line for line in listed.splitlines() if "unreadable" in line]
    assert rows
    assert all(
        "customer.subscription.paused evt_" in row or "customer.subscription.updated evt_" in row
        for row in rows
    )
    assert all(
        "A subscription has a status that this release does not know." in row for row in rows
    )
    assert f"{len(rows)} dead letter" in listed
    assert ADDRESS not in listed
    first = rows[0].split()[0]
    assert customer in shop.ops("dead", "show", first), "the whole of it, payload and all"
    assert shop.ops("dead", "list") == listed, "looking takes nothing away"

    shop.ops("dead", "redrive", "--all")
    shop.works(older_release)
    assert shop.ops("dead", "list").count("unreadable") == len(rows), (
        "without the fix they come again"
    )

    told = shop.ops("dead", "redrive", "--code", "unreadable")
    assert told.count("  sent: ") == len(rows)
    shop.works()
    assert shop.ops("dead", "list") == "0 dead letters.\n"
    account = shop.account("acc_poisoned")
    assert account
    (subscription,) = account.subscriptions.values()
    assert subscription.value.status == "paused"
    assert account.standing
    assert (account.standing.access, account.standing.reason) == ("none", "paused")


def test_what_sqs_moved_goes_back_to_the_queue_that_it_came_from(shop: Shop) -> None:
    sqs, mail = client("sqs", shop.emulator), shop.resources.queue("MailQueue").ref
    policy = json.loads(
        sqs.get_queue_attributes(QueueUrl=mail, AttributeNames=["RedrivePolicy"])["Attributes"][
            "RedrivePolicy"
        ]
    )
    sqs.set_queue_attributes(
        QueueUrl=mail, Attributes={"RedrivePolicy": json.dumps(policy | {"maxReceiveCount": 1})}
    )
    work = {"account_id": "acc_ada", "key": "welcome@signup"}
    shop.queue("MailQueue").send(json.dumps(work))
    for _ in range(3):
        sqs.receive_message(QueueUrl=mail, VisibilityTimeout=0)
    sqs.set_queue_attributes(QueueUrl=mail, Attributes={"RedrivePolicy": json.dumps(policy)})
    listed = shop.ops("dead", "list")
    assert re.search(r"  mail      worn_out     welcome@signup acc_ada  ", listed), listed
    id = listed.split()[0]
    shop.ops("dead", "redrive", id)
    (back,) = sqs.receive_message(QueueUrl=mail)["Messages"]
    assert json.loads(back["Body"]) == work
    sqs.delete_message(QueueUrl=mail, ReceiptHandle=back["ReceiptHandle"])
    assert shop.ops("dead", "list") == "0 dead letters.\n"


def test_feedback_that_failed_is_listed_without_its_address(shop: Shop) -> None:
    feedback = {
        "eventType": "Bounce",
        "mail": {"messageId": "0100-a", "tags": {"account": ["acc_ada"]}, "destination": [ADDRESS]},
    }
    record = {
        "requestContext": {"condition": "RetriesExhausted", "approximateInvokeCount": 3},
        "requestPayload": {"source": "aws.ses", "detail": feedback},
        "responsePayload": {"errorType": "Unavailable"},
    }
    shop.queue("DeadLettersQueue").send(json.dumps(record))
    listed = shop.ops("dead", "list")
    assert "  feedback  failed       Bounce 0100-a acc_ada  " in listed
    assert ADDRESS not in listed
    shop.ops("dead", "discard", listed.split()[0], "--yes")
    assert shop.ops("dead", "list") == "0 dead letters.\n"


def test_nothing_is_thrown_away_unasked(shop: Shop) -> None:
    shop.queue("DeadLettersQueue").send("hello")
    id = shop.ops("dead", "list").split()[0]
    assert "no_way" in shop.ops("dead", "redrive", id, status=1)
    assert "Nothing was deleted." in shop.ops("dead", "discard", id, status=1)
    assert "There is no dead letter nobody" in shop.ops("dead", "discard", "nobody", status=1)
    assert "discarded" in shop.ops_process("dead", "discard", id, says="y\n")
    assert shop.ops("dead", "list") == "0 dead letters.\n"


def test_a_replay_says_how_many_and_with_yes_makes_an_account_right(shop: Shop) -> None:
    shop.trial("acc_unheard", 20)
    shop.until_now()
    assert shop.account("acc_unheard") is None
    counted = shop.ops("events", "replay", "--account", "acc_unheard", "--since", "25d")
    number = int(
        re.search(r"(\d+) events would be in the events queue; --yes does it.", counted)[1]
    )  # type: ignore[index]
    shop.works()
    assert shop.account("acc_unheard") is None, "a dry run puts nothing there"
    assert f"{number} events in the events queue." in shop.ops(
        "events", "replay", "--account", "acc_unheard", "--since", "25d", "--yes"
    )
    shop.works()
    account = shop.account("acc_unheard")
    assert account
    assert account.standing
    assert account.standing.reason == "paused"
    shop.ops("events", "replay", "--account", "acc_unheard", "--yes")
    shop.works()
    assert shop.account("acc_unheard") == account, "nothing twice"
    told = shop.ops("events", "replay", "--account", "acc_unheard", "--from", "log", "--yes")
    assert "They contained nothing new." in told
    assert "There is no account acc_none" in shop.ops(
        "events", "replay", "--account", "acc_none", "--from", "log", status=1
    )


def test_an_import_says_who_and_then_does_it_once(shop: Shop) -> None:
    customers = [shop.trial(f"acc_old_{number}", number) for number in (3, 2, 1)]
    shop.until_now()
    said = shop.ops("import", "stripe", "--dry-run", "--a-second", "100")
    assert "Nothing was written" in said
    assert shop.account("acc_old_1") is None
    told = shop.ops("import", "stripe", "--a-second", "100")
    assert "      3  imported\n" in told
    assert ADDRESS not in told
    accounts = [shop.account(f"acc_old_{number}") for number in (3, 2, 1)]
    assert [list(account.customers) for account in accounts if account] == [
        [customer] for customer in customers
    ]
    assert all(
        account and account.standing and account.standing.reason == "trialing"
        for account in accounts
    )
    assert "      3  had an account already\n" in shop.ops("import", "stripe", "--a-second", "100")
    assert [shop.account(f"acc_old_{number}") for number in (3, 2, 1)] == accounts
