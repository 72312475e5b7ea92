"""What is said of pip-audit's answers. They are as pip-audit 2.10 gave them, shortened."""

import json
from typing import Any

from local.vulnerabilities import Verdict, judge

CLEAN = {"name": "idna", "version": "3.20", "vulns": []}
SKIPPED = {
    "name": "stripe",
    "skip_reason": "Dependency not found on PyPI and could not be audited: stripe (16.1.0)",
}
VULNERABLE = {
    "name": "jinja2",
    "version": "3.1.3",
    "vulns": [
        {"id": "PYSEC-2024-1", "fix_versions": ["3.1.4"], "aliases": ["CVE-2024-34064"]},
        {"id": "GHSA-q2x7", "fix_versions": []},
    ],
}
PROXY = """Traceback (most recent call last):
  File "site-packages/requests/adapters.py", line 723, in send
    raise ProxyError(e, request=request)
requests.exceptions.ProxyError: HTTPSConnectionPool(host='index.example', port=443): \
Max retries exceeded
"""
USAGE = "usage: pip-audit [-h]\npip-audit: error: unrecognized arguments: --desc-of"


def said(*packages: Any, status: int = 0, err: str = "") -> Verdict:
    return judge(
        "requirements.txt", status, json.dumps({"dependencies": packages, "fixes": []}), err
    )


def test_packages_that_are_all_well_are_counted() -> None:
    assert said(CLEAN, CLEAN) == Verdict(
        ("audited: 2 packages of requirements.txt, with 0 known vulnerabilities",), False
    )


def test_a_vulnerability_fails_and_is_named_with_what_mends_it() -> None:
    verdict = said(CLEAN, VULNERABLE, SKIPPED, status=1)
    assert verdict.failed
    assert verdict.lines == (
        "vulnerable: jinja2 3.1.3: PYSEC-2024-1 (CVE-2024-34064), mended in 3.1.4",
        "vulnerable: jinja2 3.1.3: GHSA-q2x7, mended in no version yet",
        (
            "not audited: 1 of the 3 packages of requirements.txt, of which the vulnerability"
            " service knows nothing: stripe"
        ),
        "audited: 2 packages of requirements.txt, with 2 known vulnerabilities",
    )


def test_a_vulnerability_fails_whatever_the_exit_status_is() -> None:
    assert said(VULNERABLE, status=0).failed


def test_an_index_that_knows_of_no_package_is_told_in_one_line_and_never_as_clean() -> None:
    verdict = said(SKIPPED, SKIPPED)
    assert verdict.lines == (
        (
            "not audited: 2 of the 2 packages of requirements.txt, of which the vulnerability"
            " service knows nothing"
        ),
    )
    assert not verdict.failed


def test_a_service_out_of_reach_is_told_in_one_line_without_its_host() -> None:
    assert judge("requirements.txt", 1, "", PROXY) == Verdict(
        (
            (
                "not audited: requirements.txt, as the vulnerability service gives no answer"
                " (ProxyError)"
            ),
        ),
        False,
    )
    for err in (
        "ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed",
        "pip_audit._service.interface.ServiceError",
    ):
        assert not judge("requirements.txt", 1, "", err).failed


def test_an_audit_that_fails_by_itself_is_a_failure() -> None:
    verdict = judge("requirements.txt", 2, "", USAGE)
    assert verdict.failed
    assert USAGE.splitlines()[-1] in verdict.lines
    for out in ("", "{}", "[]", "null", "{"):
        assert judge("requirements.txt", 0, out, "").failed
    assert said(status=0).failed, "it looked at nothing"
    assert said(CLEAN, status=1).failed, "it ended badly and does not say why"
