"""Ask pip-audit whether packages that run on Lambda, or that development uses, are known to be
vulnerable.

    python -m local.vulnerabilities PIP_AUDIT

It says by pip-audit what was found, and just as plainly what could not be looked at: the index of a
machine may be a mirror that knows nothing of vulnerabilities, and pip-audit then ends well with
every package skipped. Only a vulnerability, or a pip-audit that fails by itself, is a failure.
"""

import json
import re
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

LOOKED_AT = {
    "requirements.txt": (
        "--requirement",
        str(ROOT / "requirements.txt"),
        "--no-deps",
        "--disable-pip",
    ),
    "this environment": ("--path", sysconfig.get_paths()["purelib"]),
}
"""What is audited, with pip-audit's options for it. requirements.txt pins all that it needs, so
nothing is resolved.
"""

OUT_OF_REACH = re.compile(
    r"\b(?:requests|urllib3)\.exceptions\.(\w+)|\b(ConnectionError|ServiceError)\b|(Could not"
    r" connect|timed out|not redirecting)"
)
"""What pip-audit ends with, without a report, when the vulnerability service gives no answer: its
own errors, and those that it lets through.
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said, line by line, and whether it must not go in."""

    lines: tuple[str, ...]
    failed: bool


def judge(what: str, status: int, out: str, err: str) -> Verdict:
    """What pip-audit's exit status, its report as JSON and its complaints say of `what`."""
    report = _report(out)
    if report is None:
        if status != 0 and (found := OUT_OF_REACH.search(err)):
            return Verdict(
                (
                    (
                        f"not audited: {what}, as the vulnerability service gives no answer"
                        f" ({next(filter(None, found.groups()))})"
                    ),
                ),
                False,
            )
        return Verdict(
            (
                f"failed: pip-audit made no report of {what} (exit status {status})",
                *err.strip().splitlines()[-3:],
            ),
            True,
        )
    skipped = [one["name"] for one in report if "skip_reason" in one]
    known = [one for one in report if "skip_reason" not in one]
    vulnerable = [_named(one, vulnerability) for one in known for vulnerability in one["vulns"]]
    lines = [f"vulnerable: {one}" for one in vulnerable]
    if not report or (status != 0 and not vulnerable):
        lines.append(
            f"failed: pip-audit ended with {status} and named {len(report)} packages and no"
            f" vulnerability of {what}"
        )
    if skipped:
        names = f": {', '.join(skipped)}" if known else ""
        lines.append(
            f"not audited: {len(skipped)} of the {len(report)} packages of {what}, of which the"
            f" vulnerability service knows nothing{names}"
        )
    if known:
        lines.append(
            f"audited: {len(known)} packages of {what}, with {len(vulnerable)} known"
            " vulnerabilities"
        )
    return Verdict(tuple(lines), bool(vulnerable or status or not report))


def _report(out: str) -> list[Any] | None:
    try:
        return list(json.loads(out)["dependencies"])
    except (ValueError, KeyError, TypeError):
        return None


def _named(package: Any, vulnerability: Any) -> str:
    other = (
        f" ({', '.join(sorted(vulnerability['aliases']))})" if vulnerability.get("aliases") else ""
    )
    mended = ", ".join(vulnerability.get("fix_versions") or []) or "no version yet"
    return (
        f"{package['name']} {package['version']}: {vulnerability['id']}{other}, mended in {mended}"
    )


def main(arguments: Sequence[str]) -> int:
    """1 if anything is vulnerable or the audit itself failed, else 0; 2 without the path of
    pip-audit.
    """
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    failed = False
    for what, options in LOOKED_AT.items():
        command = [
            arguments[0],
            *options,
            "--format",
            "json",
            "--desc",
            "off",
            "--progress-spinner",
            "off",
            "--timeout",
            "10",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        verdict = judge(what, done.returncode, done.stdout, done.stderr)
        print("\n".join(verdict.lines))
        failed |= verdict.failed
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
