"""What `chalice package` cannot say, put into its template: the webhook's own function, what each
role may do, and how API Gateway answers.
"""

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ops.package.api_definition import add_error_headers, pass_every_method
from ops.package.senders import identities

WEBHOOK_PATH = "/webhooks/stripe"
WEBHOOK_FUNCTION, API_FUNCTION = "WebhookHandler", "APIHandler"
WEBHOOK_HANDLER = "chalicelib.entry.http.webhook_app.app"

Template = dict[str, Any]
Permissions = Mapping[str, Sequence[Mapping[str, Any]]]
"""Rows by function, as .chalice/permissions.yaml has them: these `actions` on these `resources`,
`why`, and perhaps `rare`.
"""

CONDITIONAL = {"ExportBucket": "ExportsNightly"}
"""Resources that are there under a condition of resources.yaml: so are the rights to them."""

TABLE = "BillingTable"
AUDIT_LOG = "AUDIT#*"
"""The partition keys of the audit log."""

_CHANGES = ["dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:UpdateItem"]

SENDERS = "identity/senders"
"""What permissions.yaml calls SES's identities of the senders in billing.toml."""

EVENT_BUS = "EventBus"
"""What it calls the event bus that billing.toml names."""

STATE_MACHINE = "StateMachine"
"""What it calls the state machine that billing.toml names as the provisioner of instances."""

_ARN = "arn:${AWS::Partition}:%s:${AWS::Region}:${AWS::AccountId}:%s"
_QUEUE_READER = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
_STREAM_READER = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]


def complete(
    template: Template,
    permissions: Permissions,
    sites: Sequence[str],
    senders: Collection[str] = (),
    bus: str | None = None,
    machine: str | None = None,
    always_delivers: bool = False,
) -> Template:
    """The template with the webhook's function, the functions' roles, and API Gateway's answers;
    `sites`, `senders`, `bus` and `machine` are those of billing.toml, and `always_delivers` says
    whether it has a bus, Slack or instances: deliveries are made then, with or without endpoints.
    Raises ValueError for a function without permissions, or the reverse.
    """
    made = copy.deepcopy(template)
    api = made["Resources"]["RestAPI"]["Properties"]
    pass_every_method(api["DefinitionBody"]["paths"])
    add_error_headers(api["GatewayResponses"], sites)
    _add_webhook_function(made)
    if always_delivers:
        deliver_always(made)
    functions = {
        id: it["Properties"]
        for id, it in made["Resources"].items()
        if it["Type"] == "AWS::Serverless::Function"
    }
    if functions.keys() != permissions.keys():
        raise ValueError(
            ".chalice/permissions.yaml and the functions differ in"
            f" {sorted(functions.keys() ^ permissions.keys())}."
        )
    for id, function in functions.items():
        role = made["Resources"][function["Role"]["Fn::GetAtt"][0]]["Properties"]
        role["Policies"] = [
            {
                "PolicyName": "own",
                "PolicyDocument": _document(id, function, permissions[id], senders, bus, machine),
            }
        ]
    return made


def deliver_always(template: Template) -> None:
    """Have deliveries made whatever the stage's setting `Webhooks` says."""
    events = template["Resources"]["DeliverEvents"]["Properties"]["Events"]
    events["DeliverEventsSqsEventSource"]["Properties"]["Enabled"] = True


def _add_webhook_function(template: Template) -> None:
    """POST /webhooks/stripe in a function of its own: an app of its own in the same package, under
    a role that can read no table and no other secret.
    """
    resources = template["Resources"]
    role, log, invoke = (
        "WebhookHandlerRole",
        "WebhookHandlerLogGroup",
        "WebhookHandlerInvokePermission",
    )
    resources[WEBHOOK_FUNCTION] = copy.deepcopy(resources[API_FUNCTION])
    resources[WEBHOOK_FUNCTION]["Properties"] |= {
        "Handler": WEBHOOK_HANDLER,
        "Role": {"Fn::GetAtt": [role, "Arn"]},
        "ReservedConcurrentExecutions": {
            "Fn::If": ["KeepsConcurrency", {"Ref": "WebhookConcurrency"}, {"Ref": "AWS::NoValue"}]
        },
    }
    resources[role] = copy.deepcopy(resources["ApiHandlerRole"])
    resources[log] = copy.deepcopy(resources["ApiHandlerLogGroup"])
    resources[log]["Properties"]["LogGroupName"] = {
        "Fn::Sub": f"/aws/lambda/${{{WEBHOOK_FUNCTION}}}"
    }
    resources[invoke] = copy.deepcopy(resources["APIHandlerInvokePermission"])
    resources[invoke]["Properties"] |= {
        "FunctionName": {"Ref": WEBHOOK_FUNCTION},
        "SourceArn": {"Fn::Sub": _ARN % ("execute-api", f"${{RestAPI}}/*/POST{WEBHOOK_PATH}")},
    }
    integration = resources["RestAPI"]["Properties"]["DefinitionBody"]["paths"][WEBHOOK_PATH][
        "post"
    ]["x-amazon-apigateway-integration"]
    integration["uri"] = {
        "Fn::Sub": integration["uri"]["Fn::Sub"].replace(API_FUNCTION, WEBHOOK_FUNCTION)
    }


def _document(
    id: str,
    function: Template,
    rows: Sequence[Mapping[str, Any]],
    senders: Collection[str],
    bus: str | None,
    machine: str | None = None,
) -> Template:
    statements = [
        _if_there(named, _allow(row["actions"], [_resource(one) for one in named]))
        for row in rows
        if (named := list(_named(row["resources"], senders, bus, machine)))
    ]
    may_write = any(one in _CHANGES for row in rows for one in row["actions"])
    return {
        "Version": "2012-10-17",
        "Statement": [
            *statements,
            *([_append_only(AUDIT_LOG)] if may_write else []),
            *_needed_by_lambda(id, function),
        ],
    }


def _append_only(partitions: str) -> Template:
    """Nobody changes or deletes items in these partitions: they are only put. A put in place of an
    item would need its very key, which holds its microsecond.
    """
    return {
        "Effect": "Deny",
        "Action": _CHANGES,
        "Resource": [_resource(TABLE)],
        "Condition": {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": [partitions]}},
    }


def _needed_by_lambda(id: str, function: Template) -> list[Template]:
    """What Lambda does with the function's role: writes its log and traces, polls its queue or
    stream, and passes on what failed for good.
    """
    # A role cannot name its function's log group, since each would wait for the other: hence the
    # pattern. The hyphen behind the name, which CloudFormation puts there, keeps one function from
    # another whose name begins alike.
    needed = [
        _allow(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [{"Fn::Sub": _ARN % ("logs", f"log-group:/aws/lambda/${{AWS::StackName}}-{id}-*")}],
        ),
        _allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], ["*"]),
    ]
    for event in function.get("Events", {}).values():
        if event["Type"] == "SQS":
            needed.append(_allow(_QUEUE_READER, [event["Properties"]["Queue"]]))
        elif event["Type"] == "DynamoDB":
            needed += [
                _allow(_STREAM_READER, [event["Properties"]["Stream"]]),
                _allow(["dynamodb:ListStreams"], ["*"]),
            ]
    failures = function.get("EventInvokeConfig", {}).get("DestinationConfig", {}).get("OnFailure")
    return [*needed, _allow(["sqs:SendMessage"], [failures["Destination"]])] if failures else needed


def _allow(actions: Sequence[str], resources: Sequence[Any]) -> Template:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _if_there(named: Sequence[str], statement: Template) -> Template:
    """The statement, under the condition under which what it is about exists."""
    conditions = {CONDITIONAL.get(one.partition("/")[0]) for one in named} - {None}
    if not conditions:
        return statement
    (condition,) = conditions
    return {"Fn::If": [condition, statement, {"Ref": "AWS::NoValue"}]}


def _named(
    resources: Sequence[str], senders: Collection[str], bus: str | None, machine: str | None
) -> Iterator[str]:
    """The resources of a row; none if all of them are the bus or the state machine, and
    billing.toml names none.
    """
    for name in resources:
        if name == SENDERS:
            yield from (f"identity/{identity}" for identity in identities(senders))
        elif name == EVENT_BUS:
            yield from [f"event-bus/{bus}"] if bus else []
        elif name == STATE_MACHINE:
            yield from [machine] if machine else []
        else:
            yield name


def _resource(name: str) -> Any:
    """The ARN of a resource as permissions.yaml names it: a logical id, an index of a table, a
    secret, an identity of SES's.
    """
    kind, _, rest = name.partition("/")
    if name == "*" or name.startswith("arn:"):
        return name
    if kind == "parameter":
        return {"Fn::Sub": _ARN % ("ssm", f"parameter/${{AWS::StackName}}/{rest}")}
    if kind == "event-bus":
        return rest if rest.startswith("arn:") else {"Fn::Sub": _ARN % ("events", name)}
    if kind == "identity":
        return {"Fn::Sub": _ARN % ("ses", name)}
    if kind == "ConfigurationSet":
        return {"Fn::Sub": _ARN % ("ses", "configuration-set/${ConfigurationSet}")}
    return {"Fn::Sub": f"${{{kind}.Arn}}/{rest}"} if rest else {"Fn::GetAtt": [kind, "Arn"]}
