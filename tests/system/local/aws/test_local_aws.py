"""The emulator, what is made in it, and what calls the functions."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.aws import queue_drain
from local.aws.emulator import Emulator
from local.aws.event_filters import passes
from local.aws.progress import Progress
from local.aws.queue_drain import NotSettled, Rest
from local.aws.resources import Resources, client, create
from local.aws.table_stream import StreamTrigger
from local.aws.triggers import Function, QueueTrigger, Source, Trigger
from local.client import Client, Unreachable
from local.shutdown import Stopped

ROOT = Path(__file__).parents[4]
WITH_OUTBOX = {"pk": {"S": "ACCOUNT#a"}, "sk": {"S": "ACCOUNT"}, "outbox": {"S": "[]"}}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def resources(emulator: Emulator, request: pytest.FixtureRequest) -> Resources:
    """Resources of this test's own. A name of a bucket has 63 characters at most."""
    prefix = request.node.name.replace("_", "-")[:50]
    return create(emulator.endpoint, {"hash-key": "secret"}, prefix=prefix)


@pytest.fixture
def running() -> Iterator[Callable[[Trigger], None]]:
    """Starts a trigger that ends with the test."""
    started: list[Trigger] = []

    def start(trigger: Trigger) -> None:
        started.append(trigger)
        trigger.start()

    yield start
    for trigger in started:
        trigger.stopping.set()
    for trigger in started:
        trigger.join(10)


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def send(emulator: Emulator, resources: Resources, *bodies: str) -> None:
    sqs = client("sqs", emulator.endpoint)
    for body in bodies:
        sqs.send_message(QueueUrl=resources.events_queue_url, MessageBody=body)


def on_queue(emulator: Emulator, resources: Resources, function: Function) -> QueueTrigger:
    source = Source(resources.queue("EventsQueue"), function, "process_events")
    return QueueTrigger("events", threading.Event(), emulator.endpoint, source, Progress())


def test_the_template_is_made_without_ttl(emulator: Emulator, resources: Resources) -> None:
    dynamodb, sqs = client("dynamodb", emulator.endpoint), client("sqs", emulator.endpoint)
    table = dynamodb.describe_table(TableName=resources.table_name)["Table"]
    indexes = {index["IndexName"] for index in table["GlobalSecondaryIndexes"]}
    assert indexes == {"due", "listed"}
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert (
        dynamodb.describe_time_to_live(TableName=resources.table_name)["TimeToLiveDescription"][
            "TimeToLiveStatus"
        ]
        == "DISABLED"
    )
    attributes = sqs.get_queue_attributes(
        QueueUrl=resources.events_queue_url, AttributeNames=["All"]
    )["Attributes"]
    assert resources.made["DeadLettersQueue"].attributes["Arn"] in attributes["RedrivePolicy"]
    parameter = client("ssm", emulator.endpoint).get_parameter(
        Name=f"{resources.parameters_path}/hash-key", WithDecryption=True
    )["Parameter"]
    assert (parameter["Value"], parameter["Type"]) == ("secret", "SecureString")
    other = create(emulator.endpoint, {}, prefix="another")
    switches = {"", "true", "false"}
    assert (set(other.environment().values()) - switches).isdisjoint(
        resources.environment().values()
    ), "two can share one emulator"


def test_only_accounts_with_an_outbox_start_carry_out(resources: Resources) -> None:
    def record(image: dict[str, Any], sort_key: str = "ACCOUNT") -> dict[str, Any]:
        return {"dynamodb": {"Keys": {"sk": {"S": sort_key}}, "NewImage": image}}

    assert passes(resources.filters, record(WITH_OUTBOX))
    assert not passes(resources.filters, record({}))
    assert not passes(resources.filters, record(WITH_OUTBOX, "LOG#1"))
    assert not passes(resources.filters, {"dynamodb": {"Keys": {"sk": {"S": "ACCOUNT"}}}}), (
        "a deletion has no new image"
    )
    assert not passes([{"a": {"L": [{"exists": True}]}}], {"a": {"L": [{"S": "x"}]}}), (
        "Lambda's exists sees leaves only"
    )


def test_a_failed_message_comes_again_and_the_rest_is_done(
    emulator: Emulator, resources: Resources, running: Callable[[Trigger], None]
) -> None:
    seen: list[tuple[str, int]] = []

    def process(event: dict[str, Any], context: Any) -> dict[str, Any]:
        assert context.get_remaining_time_in_millis() > 0
        failures = []
        for record in event["Records"]:
            count = int(record["attributes"]["ApproximateReceiveCount"])
            assert record["eventSource"] == "aws:sqs"
            assert record["attributes"]["SentTimestamp"].isdigit()
            seen.append((record["body"], count))
            if record["body"] == "bad" and count < 3:
                failures.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failures}

    trigger = on_queue(emulator, resources, process)
    send(emulator, resources, "good", "bad")
    running(trigger)
    rest = Rest(
        emulator.endpoint,
        resources,
        StreamTrigger("s", trigger.stopping, emulator.endpoint, resources, process, "", Progress()),
        Progress(),
    )
    wait_until(lambda: rest.depth(resources.events_queue_url) == 0)
    assert sorted(seen) == [("bad", 1), ("bad", 2), ("bad", 3), ("good", 1)]
    assert rest.depth(resources.dead_letters_queue_url) == 0


def test_a_batch_that_raises_comes_again_whole(
    emulator: Emulator, resources: Resources, running: Callable[[Trigger], None]
) -> None:
    bodies: list[str] = []

    def process(event: dict[str, Any], context: Any) -> None:
        bodies.extend(record["body"] for record in event["Records"])
        if len(bodies) <= 2:
            raise RuntimeError("the first time it fails")

    send(emulator, resources, "one", "two")
    trigger = on_queue(emulator, resources, process)
    running(trigger)
    wait_until(lambda: set(bodies[2:]) >= {"one", "two"})


def test_what_comes_while_a_batch_is_gathered_is_in_it(
    emulator: Emulator, resources: Resources, running: Callable[[Trigger], None]
) -> None:
    batches: list[list[str]] = []
    progress, all_sent = Progress(), threading.Event()

    def process(event: dict[str, Any], context: Any) -> None:
        batches.append(sorted(record["body"] for record in event["Records"]))

    source = Source(
        resources.queue("EventsQueue"),
        process,
        "process_events",
        gather=lambda: all_sent.wait(30),
    )
    ending = threading.Event()
    for number in range(3):
        running(QueueTrigger(f"events-{number}", ending, emulator.endpoint, source, progress))
    for body in ("one", "two", "three"):
        send(emulator, resources, body)
        progress.sent(resources.events_queue_url)
    all_sent.set()
    wait_until(lambda: progress.done == 3)
    assert batches == [["one", "three", "two"]]


def test_the_stream_is_carried_out_in_order_and_again_until_it_succeeds(
    emulator: Emulator, resources: Resources, running: Callable[[Trigger], None]
) -> None:
    carried: list[str] = []
    failures = [True, True]

    def carry_out(event: dict[str, Any], context: Any) -> dict[str, Any]:
        for record in event["Records"]:
            number = record["dynamodb"]["NewImage"]["number"]["N"]
            if number == "2" and failures and failures.pop():
                return {
                    "batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]
                }
            carried.append(number)
        return {}

    dynamodb = client("dynamodb", emulator.endpoint)
    for number in range(4):
        dynamodb.put_item(
            TableName=resources.table_name, Item=WITH_OUTBOX | {"number": {"N": str(number)}}
        )
        dynamodb.put_item(
            TableName=resources.table_name,
            Item=WITH_OUTBOX | {"sk": {"S": "LOG#1"}, "number": {"N": "9"}},
        )
    running(
        StreamTrigger(
            "stream",
            threading.Event(),
            emulator.endpoint,
            resources,
            carry_out,
            "carry_out",
            Progress(),
        )
    )
    wait_until(lambda: len(carried) >= 4)
    assert carried == ["0", "1", "2", "3"]


def test_settling_gives_up_by_name_when_a_message_comes_back_for_ever(
    emulator: Emulator,
    resources: Resources,
    running: Callable[[Trigger], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(event: dict[str, Any], context: Any) -> None:
        raise RuntimeError("it never succeeds")

    monkeypatch.setattr(queue_drain, "PATIENCE_SECONDS", 1)
    queue = on_queue(emulator, resources, fail)
    stream = StreamTrigger(
        "stream", queue.stopping, emulator.endpoint, resources, fail, "carry_out", Progress()
    )
    send(emulator, resources, "poison")
    running(queue)
    running(stream)
    with pytest.raises(NotSettled, match="events queue"):
        Rest(emulator.endpoint, resources, stream, Progress()).wait()


def test_settling_waits_for_outboxes(
    emulator: Emulator, resources: Resources, running: Callable[[Trigger], None]
) -> None:
    may = threading.Event()
    dynamodb = client("dynamodb", emulator.endpoint)

    def carry_out(event: dict[str, Any], context: Any) -> dict[str, Any]:
        may.wait(30)
        for record in event["Records"]:
            dynamodb.update_item(
                TableName=resources.table_name,
                Key=record["dynamodb"]["Keys"],
                UpdateExpression="REMOVE outbox",
            )
        return {}

    progress = Progress()
    stream = StreamTrigger(
        "stream", threading.Event(), emulator.endpoint, resources, carry_out, "carry_out", progress
    )
    running(stream)
    dynamodb.put_item(TableName=resources.table_name, Item=WITH_OUTBOX)
    rest = Rest(emulator.endpoint, resources, stream, progress)
    waiter = threading.Thread(target=rest.wait)
    waiter.start()
    assert waiter.is_alive()
    may.set()
    waiter.join(30)
    assert not waiter.is_alive()
    assert (
        "outbox"
        not in dynamodb.get_item(
            TableName=resources.table_name, Key={"pk": {"S": "ACCOUNT#a"}, "sk": {"S": "ACCOUNT"}}
        )["Item"]
    )


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux ends a child with its parent"
)
def test_the_emulator_ends_even_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = (
        "import time; from local.aws.emulator import Emulator; print(Emulator().start().endpoint,"
        " flush=True); time.sleep(60)"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    endpoint = parent.stdout.readline().strip()
    assert Client(endpoint).call("GET", "/_ministack/health")[0] == 200
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()

    def is_gone() -> bool:
        try:
            Client(endpoint).call("GET", "/_ministack/health")
        except Unreachable:
            return True
        return False

    wait_until(is_gone)


def test_mail_that_waits_for_ses_holds_nothing_up(
    emulator: Emulator, resources: Resources, running: Callable[[Trigger], None]
) -> None:
    is_closed = threading.Event()
    is_closed.set()

    def send_mails(event: dict[str, Any], context: Any) -> dict[str, Any]:
        return (
            {
                "batchItemFailures": [
                    {"itemIdentifier": record["messageId"]} for record in event["Records"]
                ]
            }
            if is_closed.is_set()
            else {}
        )

    progress, ending = Progress(), threading.Event()
    stream = StreamTrigger(
        "stream", ending, emulator.endpoint, resources, send_mails, "carry_out", progress
    )
    running(
        QueueTrigger(
            "mail",
            ending,
            emulator.endpoint,
            Source(resources.queue("MailQueue"), send_mails, "send_mails", 1),
            progress,
        )
    )
    running(stream)
    rest = Rest(emulator.endpoint, resources, stream, progress)
    client("sqs", emulator.endpoint).send_message(
        QueueUrl=resources.queue("MailQueue").ref, MessageBody="{}"
    )
    rest.wait()
    assert rest.depths() == {"events": 0, "act": 0, "mail": 1, "deliveries": 0, "dead_letters": 0}
    is_closed.clear()
    progress.forget_waiting()
    rest.wait()
    assert rest.depths()["mail"] == 0


def test_a_wait_is_abandoned_when_the_system_ends(emulator: Emulator, resources: Resources) -> None:
    ending, progress = threading.Event(), Progress()
    stream = StreamTrigger(
        "stream", ending, emulator.endpoint, resources, lambda *_: None, "carry_out", progress
    )
    send(emulator, resources, "never taken")
    ending.set()
    with pytest.raises(Stopped):
        Rest(emulator.endpoint, resources, stream, progress).wait()


def test_a_stream_that_is_off_is_at_rest_and_goes_on_where_it_stopped(
    emulator: Emulator, resources: Resources, running: Callable[[Trigger], None]
) -> None:
    carried: list[str] = []
    dynamodb = client("dynamodb", emulator.endpoint)

    def carry_out(event: dict[str, Any], context: Any) -> None:
        for record in event["Records"]:
            carried.append(record["dynamodb"]["Keys"]["pk"]["S"])
            dynamodb.update_item(
                TableName=resources.table_name,
                Key=record["dynamodb"]["Keys"],
                UpdateExpression="REMOVE outbox",
            )

    progress = Progress()
    stream = StreamTrigger(
        "stream", threading.Event(), emulator.endpoint, resources, carry_out, "carry_out", progress
    )
    rest = Rest(emulator.endpoint, resources, stream, progress)
    running(stream)
    for number, on in enumerate((True, False, True)):
        stream.switch(on)
        dynamodb.put_item(
            TableName=resources.table_name, Item=WITH_OUTBOX | {"pk": {"S": f"ACCOUNT#{number}"}}
        )
        rest.wait()
        assert len(carried) == (1, 1, 3)[number]
    assert carried == ["ACCOUNT#0", "ACCOUNT#1", "ACCOUNT#2"]
