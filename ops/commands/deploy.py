"""python -m ops package, deploy, destroy: deploys this checkout as a stage in the owner's AWS
account, or deletes a stage.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from chalicelib.domain.errors import InvalidInput
from ops.command_line import Command
from ops.stage.audit import note
from ops.stage.confirm import agreed
from ops.stage.policy import POLICY, bus_settings, read_checked
from ops.stage.stages import add_stage, find_stage, stack_name, stage_name

OUT = Path("out/package")


def _package(options: argparse.Namespace) -> int:
    from ops.package.build import build

    package = build(stage_name(options), OUT, options.architecture)
    print(f"{package.archive}: {package.archive.stat().st_size:,} bytes, SHA-256 {package.digest}")
    return 0


def _deploy(options: argparse.Namespace) -> int:
    from ops.deploy.release import Release
    from ops.package.build import build
    from ops.stage.parameters import Parameters
    from ops.stage.secrets import make_missing, to_do

    stage = stage_name(options)
    settings = bus_settings(read_checked(POLICY), stage) | _settings(options.set)
    release = Release(stage)
    print(f"Packaging for stage {stage} of account {release.account} in {release.region} …")
    changes = release.propose(build(stage, OUT, options.architecture), settings)
    if changes is None:
        print("Nothing to change.")
    else:
        print(*changes, sep="\n")
        if not (
            options.yes or agreed(f"Deploy these {len(changes)} changes to {stack_name(stage)}?")
        ):
            print("Nothing was changed.")
            return 1
        note("deploy", options, changes=len(changes))
        release.carry_out()
    parameters = Parameters(f"/{stack_name(stage)}")
    for name in make_missing(parameters):
        print(f"Created the secret {name}.")
    if steps := to_do(parameters, read_checked(POLICY), stage):
        print("It is deployed, but needs its secrets to work. Next:", *steps, sep="\n  ")
        return 0
    return _look_at(find_stage(stage).outputs)


def _look_at(outputs: Mapping[str, str]) -> int:
    from ops.deploy.release import endpoint
    from ops.deploy.smoke import look

    failed = 0
    print(f"{endpoint(outputs)}")
    for one, wrong in look(endpoint(outputs)):
        print(f"  {'failed' if wrong else 'ok':<8}{one.method} {one.path}: {wrong or one.shows}")
        failed += bool(wrong)
    if failed:
        print(
            "Deployed, but it does not answer as it should: python -m ops doctor says why.",
            file=sys.stderr,
        )
    return 1 if failed else 0


def _destroy(options: argparse.Namespace) -> int:
    from ops.deploy.release import Release

    stage = stage_name(options)
    table = find_stage(stage).outputs.get("TableName", "")
    if not (
        options.yes
        or agreed(
            f"Delete {stack_name(stage)}? Its customers lose access; the table {table} and the"
            " queues stay."
        )
    ):
        print("Nothing was changed.")
        return 1
    note("destroy", options)
    Release(stage).remove()
    print(f"{stack_name(stage)} is deleted. Its data is still in the table {table}.")
    return 0


def _settings(given: list[str]) -> dict[str, str]:
    settings = dict(one.split("=", 1) for one in given if "=" in one)
    if len(settings) != len(given):
        raise InvalidInput("A setting is NAME=VALUE, each name once.", "set")
    return settings


def _architecture(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--architecture", choices=("arm64", "x86_64"), help="of the functions (default: arm64)"
    )


def _yes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _set(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the stack; it keeps its value until it is set again",
    )


COMMANDS = (
    Command(
        "package",
        "Build the deployment package in out/package",
        _package,
        (_architecture, add_stage),
    ),
    Command(
        "deploy",
        "Build the package, show what would change, and deploy it",
        _deploy,
        (_yes, _set, _architecture, add_stage),
    ),
    Command(
        "destroy",
        "Delete a stage; its table and queues stay",
        _destroy,
        (_yes, add_stage),
    ),
)
