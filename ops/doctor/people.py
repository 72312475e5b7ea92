"""Does the people system of billing.toml take what the stage sends: is its token right, and are its
attributes?
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.people.contact import ATTRIBUTES
from chalicelib.domain.people.intercom import json_of
from chalicelib.domain.policy.people import INTERCOM
from chalicelib.domain.policy.policy import PeoplePolicy
from chalicelib.outgoing.transport import Transport
from chalicelib.usecases.webhooks.people.connect import connected
from chalicelib.usecases.webhooks.people.intercom import Intercom
from chalicelib.usecases.webhooks.people.system import PeopleSystem, SystemDown
from chalicelib.usecases.webhooks.people.workspace import Workspace, differences
from ops.doctor.findings import Finding, ok, unknown, wrong
from ops.doctor.site import Site
from ops.stage.secrets import setting

SUBJECT = "people system"
PARAMETER = "people-token"
REGIONS = {
    "https://api.intercom.io": "US",
    "https://api.eu.intercom.io": "EU",
    "https://api.au.intercom.io": "AU",
}

Connect = Callable[[PeoplePolicy, str], PeopleSystem]


def connect(policy: PeoplePolicy, token: str) -> PeopleSystem:
    """The people system, called from here."""
    caller = Transport(seconds=10, most_read=4 * 1024 * 1024)
    return connected(policy, caller, token, lambda: datetime.now(UTC))


def check_people(site: Site, to: Connect = connect) -> Iterable[Finding]:
    """Whether the token opens the workspace, and its attributes are of the right types."""
    policy = site.policy.people
    if policy is None:
        return
    held = site.parameters.get(PARAMETER)
    if held is None:  # the check of the secrets says so
        return
    system = to(policy, held.value.strip())
    if not isinstance(system, Intercom):
        yield judge_segment(policy, Transport(seconds=5).reach(policy.base_url))
        return
    try:
        yield from judge_workspace(policy, system.workspace, site.name)
    except SystemDown as failure:
        yield judge_failure(failure, site.name)


def judge_segment(policy: PeoplePolicy, failure: str | None) -> Finding:
    """What speaks Segment's API answers 200 whatever the write key is."""
    if failure:
        return wrong(SUBJECT, f"cannot be reached. {failure}", "correct people.base_url")
    return unknown(
        SUBJECT,
        f"{policy.base_url} can be reached; whether it takes the write key, it does not say",
        "look at the debugger of the source there after the next signup",
    )


def judge_workspace(policy: PeoplePolicy, workspace: Workspace, stage: str) -> Iterator[Finding]:
    """Which workspace it is, and what is wrong with its attributes. Raises SystemDown."""
    app = json_of(workspace.call("GET", "/me", None)).get("app")
    yield judge_app(app if isinstance(app, dict) else {}, policy)
    names = [name for name in ATTRIBUTES if name in policy.fields]
    wrongs = list(differences(workspace.attributes(), names))
    for one in wrongs:
        made = "does not exist" in one or "is archived" in one
        cure = f"python -m ops people sync --stage {stage}; the first contact makes it too"
        yield wrong("attributes", one, cure if made else "Intercom, Settings, Data, People")
    if not wrongs:
        yield ok("attributes", f"{len(names)} are there, of the right types")


def judge_app(app: Mapping[str, Any], policy: PeoplePolicy) -> Finding:
    """The workspace of the token: only a person knows whether it is the one of this stage."""
    name, region = app.get("name") or "without a name", app.get("region")
    expected = REGIONS.get(policy.base_url)
    if region and expected and region != expected:
        return wrong(
            SUBJECT,
            f"the workspace {name} is in the region {region}, and people.base_url is of {expected}",
            f"take the base_url of {region} into billing.toml",
        )
    return ok(SUBJECT, f"the token is of the workspace {name} ({app.get('id_code') or 'no id'})")


def judge_failure(failure: SystemDown, stage: str) -> Finding:
    """Why nothing could be looked at."""
    code = failure.answer.code
    if code in (401, 403):
        return wrong(SUBJECT, f"the token is refused ({code})", setting(PARAMETER, stage))
    return unknown(SUBJECT, f"{INTERCOM} does not answer now. {failure}")
