"""Do events reach the owner's systems: the webhook endpoints, and the event bus?"""

from collections.abc import Callable, Iterable

from botocore.exceptions import ClientError

from chalicelib.aws.events.webhooks import EndpointList
from chalicelib.domain.webhooks.endpoint import DISABLED_REASONS, Endpoint
from chalicelib.outgoing.transport import Transport
from ops.doctor.findings import Finding, ok, unknown, wrong
from ops.doctor.site import Site

SUBJECT = "outgoing events"
BUS = "event bus"

WORKER = "DeliverEvents"
"""The function that puts events onto the bus."""

Reach = Callable[[str], str | None]
"""Why no connection to a URL's host can be made; None if one can."""


def check_endpoints(site: Site) -> Iterable[Finding]:
    """The webhook endpoints of the stage, and whether the stage delivers to them."""
    table = site.stage.outputs.get("TableName")
    if table is None:  # a stack of which only parts are deployed
        return
    endpoints = EndpointList(table, site.session.client("dynamodb")).load().all
    channels = site.policy.bus.name or site.policy.slack or site.policy.people
    is_sent = site.stage.outputs.get("Webhooks") == "true"
    yield judge_delivery(len(endpoints), bool(channels), is_sent, site.name)
    for endpoint in endpoints:
        yield judge_endpoint(endpoint, site.name, Transport(seconds=5).reach)


def judge_delivery(endpoints: int, has_channels: bool, is_sent: bool, stage: str) -> Finding:
    """Whether a stage with so many endpoints, and perhaps another channel, delivers."""
    if is_sent or not (endpoints or has_channels):
        return ok(SUBJECT, f"{endpoints} webhook endpoints")
    return wrong(
        SUBJECT,
        "there is something to deliver to, and the stage delivers no events",
        f"python -m ops deploy --stage {stage} --set Webhooks=true",
    )


def judge_endpoint(endpoint: Endpoint, stage: str, reach: Reach) -> Finding:
    """One endpoint. No finding has its URL, which may hold a token."""
    subject, at = f"endpoint {endpoint.id}", f"--stage {stage}"
    look = f"python -m ops webhooks deliveries {endpoint.id} {at} shows the answers"
    if endpoint.disabled_reason:
        why = DISABLED_REASONS.get(endpoint.disabled_reason, endpoint.disabled_reason)
        return wrong(
            subject,
            f"is disabled. {why}",
            f"{look}; then python -m ops webhooks enable {endpoint.id} {at}, or remove it",
        )
    if endpoint.failing_since:
        since = f"{endpoint.failing_since:%Y-%m-%d %H:%M}"
        return wrong(subject, f"has failed since {since}, without a success", look)
    if failure := reach(endpoint.url):
        return wrong(
            subject,
            f"cannot be reached from here. {failure}",
            "python -m ops webhooks test"
            f" {endpoint.id} {at}, which calls it from the stage; then {look}",
        )
    return ok(subject, "can be reached")


def check_bus(site: Site) -> Iterable[Finding]:
    """The bus that billing.toml names: whether it exists, and the stage may put events onto it."""
    name = site.policy.bus.name
    if name is None:
        return
    try:
        bus = site.session.client("events").describe_event_bus(Name=name)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code != "ResourceNotFoundException":
            raise
        yield judge_missing(name)
        return
    yield judge_permission(name, _may_put(site, bus["Arn"]), site.name)


def judge_missing(name: str) -> Finding:
    """A bus that AWS does not know."""
    bare = name.rpartition("/")[2]
    return wrong(
        BUS,
        f"there is no event bus {name}: events for it are tried for three days, then given up",
        f"aws events create-event-bus --name {bare}; or correct [bus] name in billing.toml",
    )


def judge_permission(name: str, decision: str | None, stage: str) -> Finding:
    """A bus that is there, given what IAM decides of the function that puts events onto it; None
    if that function is not there.
    """
    if decision == "allowed":
        return ok(BUS, f"{name} is there, and the stage may put events onto it")
    if decision is None:
        return unknown(BUS, f"{name} is there, and the stage has no {WORKER}", _deploy(stage))
    return wrong(
        BUS,
        f"{name} is there, and {WORKER} may not put events onto it ({decision})",
        f"{_deploy(stage)}, since the permission is made of billing.toml; for a bus of another"
        " account, also its own policy",
    )


def _may_put(site: Site, arn: str) -> str | None:
    """IAM's decision for the worker's role: `allowed`, or why not; None without a worker."""
    stack = site.session.client("cloudformation")
    try:
        found = stack.describe_stack_resource(StackName=site.stage.stack, LogicalResourceId=WORKER)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return None
    function = found["StackResourceDetail"]["PhysicalResourceId"]
    role = site.session.client("lambda").get_function_configuration(FunctionName=function)["Role"]
    answer = site.session.client("iam").simulate_principal_policy(
        PolicySourceArn=role, ActionNames=["events:PutEvents"], ResourceArns=[arn]
    )
    return str(answer["EvaluationResults"][0]["EvalDecision"])


def _deploy(stage: str) -> str:
    return f"python -m ops deploy --stage {stage}"
