"""python -m ops import stripe: imports the customers that Stripe already has."""

import argparse
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chalicelib.domain.errors import InvalidInput
from ops.command_line import Command
from ops.stage.services import A_SECOND
from ops.stage.stages import add_stage, find_stage, stage_name
from ops.terminal import outcome_lines, print_count, print_lines


def _stripe(options: argparse.Namespace) -> int:
    from chalicelib.runtime import wiring
    from chalicelib.runtime.settings import settings
    from ops.import_customers.import_run import OUTCOMES, listed, run_import
    from ops.import_customers.survey import Finding, survey
    from ops.stage.services import enter, services_of_stage, stripe_of_stage

    if not 0 < options.a_second <= 100:
        raise InvalidInput("--a-second must be more than 0, and at most 100.", "a-second")
    instances = _instances(options.instances)
    enter(find_stage(stage_name(options)))
    transport = stripe_of_stage(options.a_second)
    print("Reading Stripe's customers and subscriptions …", flush=True)
    live = settings().livemode
    found = survey(
        listed(transport, "/v1/customers", live),
        listed(transport, "/v1/subscriptions", live, status="all"),
        wiring.policy(),
    )
    print(
        f"{len(found.candidates)} customers belong to the product; {found.others} are of other"
        " products."
    )
    findings = list(found.findings)
    if options.dry_run:
        print(
            *report(findings),
            "Nothing was written. Run it without --dry-run to import them.",
            sep="\n",
        )
        return 0
    outcomes: Counter[str] = Counter()
    try:
        for candidate, outcome, detail in run_import(
            found.candidates, services_of_stage(transport), instances
        ):
            outcomes[outcome] += 1
            if outcome in ("gone", "failed"):
                findings.append(Finding(outcome, (candidate.customer,), detail))
            print_count(sum(outcomes.values()), len(found.candidates))
    finally:
        print_lines([*report(sorted(findings)), *outcome_lines(outcomes, OUTCOMES)])
    return 1 if outcomes["failed"] else 0


def _instances(file: Path | None) -> dict[str, str]:
    from ops.import_customers.import_run import instances_in

    if file is None:
        return {}
    try:
        return instances_in(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read.", "instances") from error


def report(findings: Iterable[Any]) -> list[str]:
    """The findings by kind: what it means, then a line for each."""
    from ops.import_customers.survey import FINDINGS

    by_code: dict[str, list[str]] = {}
    for finding in findings:
        by_code.setdefault(finding.code, []).append(
            "  " + " ".join(word for word in (*finding.about, finding.detail) if word)
        )
    return [
        line
        for code, lines in by_code.items()
        for line in (f"{FINDINGS[code]} ({len(lines)})", *lines)
    ]


def _how(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="import nothing: only list who would be imported, and what is unusual",
    )
    parser.add_argument(
        "--instances",
        type=Path,
        metavar="FILE",
        help="who has an instance already: a line for each, a customer's id and the URL",
    )
    parser.add_argument(
        "--a-second",
        type=float,
        default=A_SECOND,
        metavar="CALLS",
        help=f"calls of Stripe's API per second (default: {A_SECOND})",
    )


COMMANDS = (
    Command(
        "import stripe",
        "Import the customers that Stripe already has; run it again to resume",
        _stripe,
        (_how, add_stage),
    ),
)
