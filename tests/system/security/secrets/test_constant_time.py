"""Secrets are compared by one helper, in constant time, and by nothing else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from chalicelib.domain.security.constant_time import same_secret
from tests.fakes.services import ROOT

SOURCES = [ROOT / "app.py", *sorted((ROOT / "chalicelib").rglob("*.py"))]
SECRET = re.compile(
    r"secret|signature|token|digest|hash|nonce|hmac|password|expected|api_key|link_key|proof",
    re.IGNORECASE,
)

NO_SECRET = {
    "chalicelib/usecases/schedule/replan.py: before.hash == services.policy.hash": (
        "the hash by which a policy is known"
    ),
    "chalicelib/domain/changes/event_feed.py: digest != query.digest": (
        "which query a cursor is of; who has a read key may ask any"
    ),
    "chalicelib/usecases/schedule/replan.py: account.policy == services.policy.hash": "the same",
    "chalicelib/usecases/reconciliation/recount.py: hash in counted.ids": (
        "which accounts were counted"
    ),
    "chalicelib/usecases/webhooks/people/write.py: person.digest == known.digest": (
        "whether a contact is as it was written last"
    ),
    "chalicelib/usecases/webhooks/people/write.py: person.refused == known.digest": "the same",
    "chalicelib/usecases/webhooks/people/check.py: person.refused == known.digest": "the same",
    "chalicelib/domain/people/changes.py: (was.digest, was.may_adopt) == (known.digest,"
    " known.may_adopt)": "the same",
}
"""Comparisons whose names sound like a secret, and what they are about."""

PROVEN = {
    "chalicelib/domain/security/account_proof.py",
    "chalicelib/domain/security/api_keys.py",
    "chalicelib/domain/security/claims.py",
    "chalicelib/domain/security/dashboard.py",
    "chalicelib/domain/security/links.py",
    "chalicelib/domain/people/signature.py",
    "chalicelib/stripe_api/signature.py",
}
"""Where a stranger's word is held against a secret: proofs of accounts, keys, claims, links and
cookies, webhooks.
"""


def comparisons(path: Path) -> Iterator[str]:
    """What is compared for equality or membership, as it is written, where a name in it sounds like
    a secret.
    """
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Compare) and any(
            isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in node.ops
        ):
            named = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} | {
                one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)
            }
            if any(SECRET.search(name) for name in named):
                yield f"{path.relative_to(ROOT)}: {ast.unparse(node)}"


def calling(name: str) -> set[str]:
    """The files in which that function is called."""
    return {
        str(path.relative_to(ROOT))
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name
    }


def test_no_secret_is_compared_by_the_language_itself() -> None:
    assert {one for path in SOURCES for one in comparisons(path)} == set(NO_SECRET)


def test_there_is_one_way_to_compare_secrets_and_whoever_proves_one_goes_it() -> None:
    assert calling("compare_digest") == {"chalicelib/domain/security/constant_time.py"}
    assert calling("same_secret") == PROVEN
    signing = {path for name in ("new", "sha256") for path in calling(name)} | calling("hmac")
    assert signing - PROVEN <= {
        "chalicelib/aws/items.py",  # hashes that stand for addresses
        "chalicelib/aws/queues.py",  # which tasks are the same
        "chalicelib/entry/http/actions/messages.py",  # what was asked for under an Idempotency-Key
        "chalicelib/usecases/billing/perform_once.py",  # the name of what was asked for
        "chalicelib/domain/policy/holdout.py",  # the lot of who is held out
        "chalicelib/domain/security/signing_keys.py",  # the id of a public key
        "chalicelib/domain/changes/event_feed.py",  # what a cursor keeps of its query
        "chalicelib/domain/people/contact.py",  # whether a contact is as it was written last
        "chalicelib/usecases/webhooks/people/write.py",  # whose leads were joined
        "chalicelib/usecases/operators/audit.py",  # the id of what a key asked for twice
        "chalicelib/usecases/operators/sign_in.py",  # which links were used
        "chalicelib/domain/outgoing/signature.py",  # signs what goes out; receivers compare
        "chalicelib/domain/webhooks/delivery.py",  # the id of a delivery
        "chalicelib/domain/webhooks/endpoint.py",  # makes an endpoint's key, which signs
        "chalicelib/usecases/instances/targets.py",  # the name of an execution
        "chalicelib/domain/account/ordering.py",  # digests of projections
        "chalicelib/domain/policy/read.py",  # the policy's hash
        "chalicelib/pages/rendering.py",  # the style's hash, for the browser
    }, "whatever else signs or hashes is to be looked at"


def test_the_same_is_the_same_and_nothing_else() -> None:
    assert same_secret("", "")
    assert same_secret("é", "é")
    assert not same_secret("a", "b")
    assert not same_secret("a", "aa")
    assert not same_secret("\udcff", "x"), "half a character is no failure"
