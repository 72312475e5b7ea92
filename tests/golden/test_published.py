"""Names that owners, their programs and their customers use stay as they are.

They are in owners' alarms and dashboards, in mails that are out, in billing.toml, in scripts. The
file `data/published.json` is not generated anew: a name may be added to it, and none leaves it
without a release note.
"""

import argparse
import ast
import inspect
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from app import app
from chalicelib.domain import errors
from chalicelib.domain.account.operations import VERBS
from chalicelib.domain.account.standing import ACCESS_LEVELS
from chalicelib.domain.account.standing import REASONS as REASONS_OF_A_STANDING
from chalicelib.domain.changes.event_catalogue import CATALOGUE
from chalicelib.domain.errors import PolicyMistakes
from chalicelib.domain.messaging.broadcasts import AUDIENCES
from chalicelib.domain.messaging.team import GROUPS
from chalicelib.domain.policy.read import read_policy
from chalicelib.domain.policy.reasons import CANCELLATION_REASONS as REASONS_TO_CANCEL
from chalicelib.domain.policy.sequences import ANCHORS, CONDITIONS, STREAMS
from chalicelib.domain.policy.team import NOTICES
from chalicelib.domain.security.api_keys import SCOPES, split_token
from chalicelib.domain.security.cookies import cookie_name
from chalicelib.domain.security.links import PURPOSES, LinkRefused, sign, verify
from chalicelib.domain.stripe_objects.event_types import EVENT_TYPES
from chalicelib.entry.http.responses import status_of
from chalicelib.entry.pages.session import COOKIES
from chalicelib.runtime.settings import settings
from chalicelib.runtime.telemetry import MEASURED, METRICS, metrics
from chalicelib.usecases.billing.checkout import RETURNS
from chalicelib.usecases.messaging.delivery_feedback import KINDS as KINDS_OF_FEEDBACK
from local.__main__ import COMMANDS as COMMANDS_OF_LOCAL
from local.aws.ses_events import BY_HAND
from local.control_room.control import Control
from ops.__main__ import SUBJECTS
from ops.command_line import parser_of

ROOT = Path(__file__).parents[2]
PUBLISHED: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data" / "published.json").read_text()
)
LISTS = {
    "access levels": ACCESS_LEVELS,
    "anchors of a sequence": ANCHORS,
    "audiences of a broadcast": AUDIENCES,
    "conditions of a step": CONDITIONS,
    "groups of a digest": GROUPS,
    "kinds of feedback of SES": KINDS_OF_FEEDBACK.items(),
    "mail events by hand": BY_HAND,
    "measured metrics": {name: unit.value for name, unit in MEASURED.items()}.items(),
    "metrics": METRICS,
    "notices to the team": NOTICES,
    "purposes of links": {
        name: lasts and lasts.total_seconds() for name, (lasts, _) in PURPOSES.items()
    }.items(),
    "reasons of a standing": REASONS_OF_A_STANDING,
    "reasons to cancel": REASONS_TO_CANCEL,
    "returns from Checkout": RETURNS,
    "scopes": SCOPES,
    "streams of mail": STREAMS,
    "types of domain events": CATALOGUE,
    "types of Stripe's events": EVENT_TYPES,
    "verbs of actions": VERBS,
}


@pytest.mark.parametrize("what", LISTS)
def test_a_published_list_of_names_stays(what: str) -> None:
    found = [list(one) if isinstance(one, tuple) else one for one in LISTS[what]]
    assert sorted(found) == PUBLISHED[what]


def test_every_published_list_is_held() -> None:
    rest = {"commands of ops", "commands of local", "billing.toml", "errors", "routes", "tokens"}
    assert PUBLISHED.keys() == LISTS.keys() | rest | {"environment", "functions", "control room"}


def test_error_codes_and_their_statuses_stay() -> None:
    kinds = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.BillhookError)
    ]
    codes = {
        kind.code: status_of(kind([]) if kind is PolicyMistakes else kind("why")) for kind in kinds
    }
    codes[LinkRefused.code] = status_of(LinkRefused("why"))
    assert codes == PUBLISHED["errors"]


def test_routes_stay() -> None:
    found = [f"{method} {path}" for path, methods in app.routes.items() for method in methods]
    assert sorted(found) == PUBLISHED["routes"]


def test_the_functions_stay_with_what_they_subscribe_to() -> None:
    told = ("batch_size", "maximum_batching_window_in_seconds", "maximum_concurrency")
    found = {
        one.name: {
            "by": type(one).__name__.removesuffix("EventConfig"),
            "schedule": getattr(one, "schedule_expression", None),
        }
        | {name: getattr(one, name, None) for name in told}
        for one in app.event_sources
    }
    assert found == PUBLISHED["functions"]
    stages = json.loads((ROOT / ".chalice" / "config.json").read_text())["stages"]
    assert stages.keys() == {"dev", "prod"}
    for stage in stages.values():
        assert stage["lambda_functions"].keys() == PUBLISHED["functions"].keys()
    template = (ROOT / ".chalice" / "resources.yaml").read_text()
    properties = "\n          Properties:\n            "
    for subscription in (
        f"ProcessEventsSqsEventSource:{properties}Queue: !GetAtt EventsQueue",
        f"ActOnAccountsSqsEventSource:{properties}Queue: !GetAtt ActQueue",
        f"SendMailsSqsEventSource:{properties}Queue: !GetAtt MailQueue",
        f"DeliverEventsSqsEventSource:{properties}Queue: !GetAtt DeliveriesQueue",
        f"CarryOutDynamodbEventSource:{properties}Stream: !GetAtt BillingT",
        "Pattern: {source: [aws.ses], detail: {mail: {tags: {'ses:configuration-set'",
        '{"Keys":{"sk":{"S":["ACCOUNT"]}},"NewImage":{"outbox":{"S":[{"exists":true}]}}}',
    ):
        assert subscription in template


def test_metrics_stay_in_their_namespace() -> None:
    assert metrics.namespace == "Billhook"


KEYS = ("golden-link-key", "older")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize("purpose", PUBLISHED["tokens"])
def test_a_token_that_is_out_still_opens(purpose: str) -> None:
    told = PUBLISHED["tokens"][purpose]
    link = verify(told["token"], purpose, KEYS, NOW)
    assert (link.account_id, link.about, link.epoch) == ("acc_golden", told["about"], 1)
    assert sign(link, KEYS) == told["token"]


def test_cookies_stay() -> None:
    assert COOKIES == {"welcome-visit": "billhook_welcome", "billing-visit": "billhook_billing"}
    assert cookie_name("billhook_billing", is_https=True) == "__Host-billhook_billing"


def test_api_keys_keep_their_form() -> None:
    secret = "A" * 43
    assert split_token(f"bh_0123456789ab_{secret}") == ("0123456789ab", secret)


def test_the_keys_of_billing_toml_stay() -> None:
    """An unknown key `x` in each table makes the reader name those that it knows, in its order."""
    wrong = """
        x = 1
        mail.x = 1
        signup.x = 1
        pages.x = 1
        checkout.x = 1
        trial.x = 1
        access.x = 1
        operators.x = 1
        bus.x = 1
        slack.x = 1
        instance.x = 1
        figures.x = 1
        cancel.x = 1
        cancel.alternatives.x = "x"
        cancel.alternatives.other = {x = 1}
        plans.pro.x = 1
        plans.pro.currencies.eur.x = 1
        milestones = [{name = "a", x = 1}]
        sequences.trial.x = 1
        sequences.trial.steps = [{x = 1}]
    """
    with pytest.raises(PolicyMistakes) as caught:
        read_policy(wrong)
    told = ("Known here: ", "must offer one of ", "must have lookup_keys and ")
    known = {
        line.partition(": ")[0].strip(): line.partition(words)[2].partition(". Example")[0]
        for line in caught.value.message.splitlines()
        for words in told
        if words in line
    }
    assert known == PUBLISHED["billing.toml"]


def commands(parser: argparse.ArgumentParser, path: str = "") -> Iterator[str]:
    """Every command with its options, as `events replay --from`."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield from commands(inner, f"{path} {name}".strip())
        elif not isinstance(action, argparse._HelpAction):
            yield f"{path} {'|'.join(action.option_strings) or 'ARGUMENT'}".strip()
    if parser.get_default("run") or parser.get_default("command"):
        yield path


def test_the_commands_of_ops_and_their_options_stay() -> None:
    every = [command for part in SUBJECTS.values() for command in part]
    found = {one.name for one in every}
    found.update(*(commands(parser_of(one), one.name) for one in every))
    assert sorted(found) == PUBLISHED["commands of ops"]


def test_the_commands_of_local_and_their_options_stay() -> None:
    found = {one.name for one in COMMANDS_OF_LOCAL}
    found.update(*(commands(parser_of(one), one.name) for one in COMMANDS_OF_LOCAL))
    assert sorted(found) == PUBLISHED["commands of local"]


OF_THE_SDK = {
    "AWS_CA_BUNDLE",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "REQUESTS_CA_BUNDLE",
    "_X_AMZN_TRACE_ID",
}
"""Environment variables whose names are AWS's to keep: those of its SDKs and of Lambda."""


def environment_of(folder: Path) -> Iterator[str]:
    """The names of environment variables that the code below a folder reads."""
    for path in [*folder.rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Subscript(
                    ast.Attribute(attr="environ"), ast.Constant(str(name))
                ) | ast.Call(
                    ast.Attribute(ast.Attribute(attr="environ"), "get"),
                    [ast.Constant(str(name)), *_],
                ):
                    yield name


def test_environment_variables_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {
        name: sorted(set(environment_of(ROOT / name))) for name in ("chalicelib", "ops", "local")
    }
    found["chalicelib"] = [name for name in found["chalicelib"] if name not in OF_THE_SDK]
    assert found == PUBLISHED["environment"]
    for name in PUBLISHED["environment"]["chalicelib"]:
        monkeypatch.setenv(name, f"value of {name}")
    settings.cache_clear()
    read = {str(getattr(settings(), name)) for name in settings().__slots__}
    settings.cache_clear()
    values = {f"value of {name}" for name in PUBLISHED["environment"]["chalicelib"]}
    assert read == values - {"value of LIVEMODE", "value of WEBHOOKS"} | {"False"}


def test_the_control_room_keeps_its_addresses_and_fields() -> None:
    control: Any = Control(MagicMock(), MagicMock())
    routes = sorted(f"{method} {path.pattern}" for method, path, _ in control._routes)
    assert {"routes": routes, "state": sorted(control.state())} == PUBLISHED["control room"]
