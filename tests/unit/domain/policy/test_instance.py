"""`[instance]` of billing.toml: who makes the instances, where they are, and when they end."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.errors import InvalidInput, PolicyMistakes
from chalicelib.domain.policy.instance import refuse_local_instances
from chalicelib.domain.policy.policy import InstancePolicy
from chalicelib.domain.policy.read import read_policy
from chalicelib.domain.policy.warnings import warnings_of
from tests.fakes.services import ROOT

SHIPPED = (ROOT / "chalicelib" / "billing.toml").read_text()
WELL = """[instance]
target = "https://app.acme.example/instances"
hosts = ["acme.app"]
suspend_after_hours = 48
delete_after_days = 90
deadline_minutes = 10
existing_a_minute = 50
mail_waits_minutes = 2
"""
ARN = "arn:aws:states:eu-west-1:123456789012:stateMachine:make-instance"


def read(table: str) -> InstancePolicy | None:
    return read_policy(f"{SHIPPED}\n{table}").instance


def keys_of_mistakes(table: str) -> list[str]:
    with pytest.raises(PolicyMistakes) as caught:
        read(table)
    return [mistake.partition(":")[0] for mistake in caught.value.mistakes]


def test_without_the_table_there_are_no_instances() -> None:
    assert read("") is None


def test_every_key_is_read() -> None:
    assert read(WELL) == InstancePolicy(
        target="https://app.acme.example/instances",
        hosts=("acme.app",),
        suspend_after=timedelta(hours=48),
        delete_after=timedelta(days=90),
        deadline=timedelta(minutes=10),
        existing_a_minute=50,
        mail_waits=timedelta(minutes=2),
    )


def test_what_is_left_out_is_a_day_never_and_an_hour() -> None:
    made = read('[instance]\ntarget = "eventbridge"\nhosts = ["acme.app"]\n')
    assert made == InstancePolicy(
        "eventbridge", ("acme.app",), timedelta(hours=24), None, timedelta(minutes=60)
    )


@pytest.mark.parametrize(
    "target",
    [
        "https://1.1.1.1:8443/x?y=1",
        "http://127.0.0.1:8100/x",
        "eventbridge",
        f"stepfunctions:{ARN}",
    ],
)
def test_a_target_is_a_url_eventbridge_or_a_state_machine(target: str) -> None:
    made = read(WELL.replace("https://app.acme.example/instances", target))
    assert made is not None
    assert made.target == target


@pytest.mark.parametrize(
    "target",
    [
        '"http://app.acme.example/instances"',
        '"https://10.0.0.1/instances"',
        '"https://169.254.169.254/latest"',
        '"https://2852039166/"',
        '"https://user:secret@acme.example/"',
        '"https://acme.example/#x"',
        '"EventBridge"',
        '"stepfunctions:"',
        '"stepfunctions:make-instance"',
        f'"stepfunctions:{ARN} "',
        f'"{ARN}"',
        '""',
        "7",
        "[]",
        "true",
    ],
)
def test_another_target_is_a_mistake(target: str) -> None:
    table = WELL.replace('"https://app.acme.example/instances"', target)
    assert keys_of_mistakes(table) == ["instance.target"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hosts", "[]"),
        ("hosts", '"acme.app"'),
        ("hosts", '["app"]'),
        ("hosts", '["*.acme.app"]'),
        ("hosts", '["https://acme.app"]'),
        ("hosts", '["acme.app/x"]'),
        ("hosts", '["acme.app:443"]'),
        ("hosts", '["acme.app", "ACME.app."]'),
        ("hosts", "[7]"),
        ("hosts", '["a b.app"]'),
        ("suspend_after_hours", "0"),
        ("suspend_after_hours", "-1"),
        ("suspend_after_hours", "0.5"),
        ("suspend_after_hours", "true"),
        ("delete_after_days", "6"),
        ("delete_after_days", "1"),
        ("delete_after_days", "-7"),
        ("delete_after_days", "false"),
        ("delete_after_days", '"90"'),
        ("deadline_minutes", "0"),
        ("deadline_minutes", "1441"),
        ("existing_a_minute", "0"),
        ("existing_a_minute", "1001"),
        ("mail_waits_minutes", "-1"),
        ("mail_waits_minutes", "1441"),
    ],
)
def test_each_mistake_is_named(key: str, value: str) -> None:
    lines = [line for line in WELL.splitlines() if not line.startswith(f"{key} ")]
    assert keys_of_mistakes("\n".join([*lines, f"{key} = {value}"])) == [f"instance.{key}"]


def test_all_mistakes_are_named_together() -> None:
    assert keys_of_mistakes("[instance]\nsuspend_after_hours = 0\nurl = 1\n") == [
        "instance.url",
        "instance.target",
        "instance.hosts",
        "instance.suspend_after_hours",
    ]


def test_hosts_are_compared_in_ascii_and_small_letters() -> None:
    made = read(WELL.replace('["acme.app"]', '["BÜCHER.example.", "127.0.0.1"]'))
    assert made is not None
    assert made.hosts == ("xn--bcher-kva.example", "127.0.0.1")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("https://app.acme.example/instances", "http://127.0.0.1:8100/instances"),
        ("https://app.acme.example/instances", "https://localhost/instances"),
        ('["acme.app"]', '["acme.app", "localhost"]'),
        ('["acme.app"]', '["127.0.0.1"]'),
    ],
)
def test_a_deployment_refuses_addresses_of_the_local_system(before: str, after: str) -> None:
    refuse_local_instances(read(WELL))
    refuse_local_instances(None)
    with pytest.raises(InvalidInput):
        refuse_local_instances(read(WELL.replace(before, after)))


def test_deletions_that_no_message_announces_are_warned_of() -> None:
    def warned(table: str) -> bool:
        policy = replace(read_policy(f"{SHIPPED}\n{table}"), steps=())
        return any("delete_after_days" in one for one in warnings_of(policy))

    assert warned(WELL)
    assert not warned(WELL.replace("delete_after_days = 90", "delete_after_days = 0"))
    assert not warned("")
