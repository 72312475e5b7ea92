"""Writes the clients in this folder from the OpenAPI description: `make clients`.

Both are one file without a dependency: a type for each body and answer, and a method for each call
that takes a key. Calls without a name here are no part of them: pages, and what Stripe calls.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from json import dumps
from keyword import iskeyword
from pathlib import Path
from textwrap import wrap
from typing import Any

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))

COLUMNS = 100
Schema = dict[str, Any]

NAMES = {
    ("post", "/signups"): "sign_up",
    ("get", "/accounts"): "find_accounts",
    ("get", "/accounts/{account_id}"): "get_account",
    ("patch", "/accounts/{account_id}"): "update_account",
    ("delete", "/accounts/{account_id}"): "erase_account",
    ("get", "/accounts/{account_id}/access"): "get_access",
    ("post", "/accounts/{account_id}/access/token"): "create_access_token",
    ("get", "/accounts/{account_id}/timeline"): "get_timeline",
    ("put", "/accounts/{account_id}/external_id"): "set_external_id",
    ("put", "/accounts/{account_id}/instance"): "report_instance",
    ("post", "/accounts/{account_id}/instance/retry"): "retry_instance",
    ("post", "/accounts/{account_id}/instance/suspend"): "suspend_instance",
    ("post", "/accounts/{account_id}/instance/resume"): "resume_instance",
    ("post", "/accounts/{account_id}/instance/delete"): "delete_instance",
    ("post", "/accounts/{account_id}/milestones"): "report_milestone",
    ("post", "/accounts/{account_id}/checkout"): "create_checkout",
    ("post", "/accounts/{account_id}/portal"): "create_portal",
    ("post", "/accounts/{account_id}/cancel"): "cancel",
    ("post", "/accounts/{account_id}/reactivate"): "reactivate",
    ("post", "/accounts/{account_id}/plan"): "change_plan",
    ("post", "/accounts/{account_id}/trial"): "move_trial",
    ("post", "/accounts/{account_id}/discount"): "apply_discount",
    ("post", "/accounts/{account_id}/charges"): "charge",
    ("post", "/accounts/{account_id}/grants"): "give_grant",
    ("post", "/accounts/{account_id}/links/end"): "end_links",
    ("delete", "/suppressions/{email}"): "lift_suppression",
    ("get", "/events"): "list_events",
    ("get", "/audit"): "list_audit",
    ("get", "/reports/revenue"): "get_revenue",
    ("get", "/reports/trials"): "get_trials",
    ("get", "/reports/retention"): "get_retention",
    ("get", "/reports/leaving"): "get_leaving",
    ("get", "/reports/messages"): "get_message_effects",
    ("get", "/webhooks/endpoints"): "list_endpoints",
    ("post", "/webhooks/endpoints"): "create_endpoint",
    ("delete", "/webhooks/endpoints/{endpoint_id}"): "delete_endpoint",
    ("get", "/webhooks/endpoints/{endpoint_id}/deliveries"): "list_deliveries",
    ("post", "/webhooks/endpoints/{endpoint_id}/enable"): "enable_endpoint",
    ("post", "/webhooks/endpoints/{endpoint_id}/replay"): "replay_events",
    ("post", "/webhooks/endpoints/{endpoint_id}/rotate"): "rotate_secret",
    ("post", "/webhooks/endpoints/{endpoint_id}/test"): "send_test",
}
"""The name of each call. What is named once keeps its name."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call: where it goes, what it takes, and the names of its answers' types."""

    name: str
    method: str
    path: str
    summary: str
    in_path: tuple[str, ...]
    in_query: tuple[tuple[str, Schema], ...]
    body: Schema | None
    needs_body: bool
    repeatable: bool
    answers: tuple[str, ...]

    @property
    def body_name(self) -> str:
        """The name of the type of its body."""
        return f"{camel(self.name)}Body"


def camel(name: str) -> str:
    """`get_access` as GetAccess."""
    return "".join(part.title() for part in name.split("_"))


def operations(document: Schema) -> Iterator[Operation]:
    """The named calls of the description. Raises KeyError for a call with a key and no name."""
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            if told.get("security") or (method, path) in NAMES:
                yield _operation(method, path, told)


def _operation(method: str, path: str, told: Schema) -> Operation:
    asked = told.get("requestBody", {})
    schema = asked.get("content", {}).get("application/json", {}).get("schema")
    parameters = told.get("parameters", [])
    answers = [
        reply["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for status, reply in told["responses"].items()
        if status.startswith("2") and "application/json" in reply.get("content", {})
    ]
    return Operation(
        NAMES[method, path],
        method.upper(),
        path,
        told["summary"],
        tuple(one["name"] for one in parameters if one["in"] == "path"),
        tuple((one["name"], one["schema"]) for one in parameters if one["in"] == "query"),
        schema if schema and schema.get("properties") else None,
        bool(asked.get("required")),
        any(one["name"] == "Idempotency-Key" for one in parameters),
        tuple(dict.fromkeys(answers)),
    )


def types(document: Schema) -> dict[str, Schema]:
    """Every type that has a name: bodies, and the objects of answers."""
    made = {one.body_name: one.body for one in operations(document) if one.body}
    return {**document["components"]["schemas"], **made}


def _kinds(schema: Schema) -> list[str]:
    kind = schema.get("type", "object")
    return kind if isinstance(kind, list) else [kind]


# --- Python ---

_PYTHON = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
    "object": "dict[str, Any]",
}


def python_type(schema: Schema) -> str:
    """The annotation of a value."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return f"Literal[{', '.join(map(repr, values))}]"
    made = [
        f"list[{python_type(schema.get('items', {}))}]" if kind == "array" else _PYTHON[kind]
        for kind in _kinds(schema)
    ]
    return " | ".join(made)


def _python_class(name: str, schema: Schema) -> str:
    required = set(schema.get("required", ()))
    fields = [
        f"    {field}: {python_type(told)}"
        if field in required
        else f"    {field}: NotRequired[{python_type(told)}]"
        for field, told in schema.get("properties", {}).items()
    ]
    if any(map(iskeyword, schema.get("properties", {}))):
        pairs = (line.strip().partition(": ") for line in fields)
        # Evaluated at once, so it may name no class that comes later.
        inner = ", ".join(f'"{field}": {kind}' for field, _, kind in pairs)
        return f'{name} = TypedDict("{name}", {{{inner}}})'
    return "\n".join([f"class {name}(TypedDict):", *(fields or ["    pass"])])


def _python_name(name: str) -> str:
    """The name of a parameter; `from` is none."""
    return f"{name}_" if iskeyword(name) else name


def _python_method(one: Operation) -> str:
    takes = ["self", *(f"{name}: str" for name in one.in_path)]
    if one.body:
        takes.append(f"body: {one.body_name}" + ("" if one.needs_body else " | None = None"))
    keywords = [
        f"{_python_name(name)}: {python_type(schema)} | None = None"
        for name, schema in one.in_query
    ]
    keywords += ["idempotency_key: str | None = None"] if one.repeatable else []
    takes += ["*", *keywords] if keywords else []
    path = re.sub(r"\{(\w+)\}", r"{_part(\1)}", one.path)
    query = ", ".join(f'"{name}": {_python_name(name)}' for name, _ in one.in_query)
    given = [f'"{one.method}"', f'f"{path}"' if one.in_path else f'"{path}"']
    given.append("body" if one.body else "{}" if one.method != "GET" else "None")
    given.append(f"{{{query}}}")
    given.append("idempotency_key" if one.repeatable else "None")
    answer = " | ".join(one.answers) or "None"
    call = f"self._call({', '.join(given)})"
    done = f"        answer: {answer} = {call}\n        return answer"
    return (
        f"    def {one.name}({', '.join(takes)}) -> {answer}:\n"
        f'        """{_wrapped(one.summary, 8)}"""\n' + (done if one.answers else f"        {call}")
    )


def python_client(document: Schema) -> str:
    """The module billhook.py."""
    head = (FOLDER / "python" / "head.py.txt").read_text()
    classes = [_python_class(name, schema) for name, schema in types(document).items()]
    methods = [_python_method(one) for one in operations(document)]
    core, _, client = head.partition("# TYPES\n")
    text = "\n\n".join([core.rstrip(), *classes, client.strip(), *methods]) + "\n"
    ruff = [str(Path(sys.executable).parent / "ruff"), "format", "--line-length=100", "-"]
    return subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout


def _wrapped(text: str, indent: int) -> str:
    """The text in lines of 100 columns, quotes included; the first begins behind the quotes."""
    lines = wrap(text, COLUMNS - indent - 6, break_long_words=False)
    return ("\n" + " " * indent).join(lines) + ("\n" + " " * indent if len(lines) > 1 else "")


# --- TypeScript ---

_TYPESCRIPT = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
    "object": "Record<string, unknown>",
}


def typescript_type(schema: Schema) -> str:
    """The type of a value."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " | ".join(f"'{one}'" if isinstance(one, str) else dumps(one) for one in values)
    made = [
        f"Array<{typescript_type(schema.get('items', {}))}>"
        if kind == "array"
        else _TYPESCRIPT[kind]
        for kind in _kinds(schema)
    ]
    return " | ".join(made)


def _typescript_interface(name: str, schema: Schema) -> str:
    required = set(schema.get("required", ()))
    lines = [f"export interface {name} {{"]
    for field, told in schema.get("properties", {}).items():
        begin = f"  {field}{'' if field in required else '?'}: "
        kind = typescript_type(told)
        if len(begin + kind) > COLUMNS:
            lines += [begin.rstrip(), *(f"    | {one}" for one in kind.split(" | "))]
        else:
            lines.append(begin + kind)
    return "\n".join([*lines, "}"])


def _lower(name: str) -> str:
    return name[0] + camel(name)[1:]


def _in_columns(begin: str, inner: list[str], end: str) -> str:
    """A list between brackets on one line, or a line each where that is too long."""
    line = f"{begin}{', '.join(inner)}{end}"
    if len(line) <= COLUMNS:
        return line
    indent = " " * (len(begin) - len(begin.lstrip()))
    return "\n".join([begin, *(f"{indent}  {one}," for one in inner), f"{indent}{end}"])


def _typescript_method(one: Operation) -> str:
    takes = [f"{_lower(name)}: string" for name in one.in_path]
    if one.body:
        takes.append(f"body{'' if one.needs_body else '?'}: {one.body_name}")
    options = [f"{name}?: {typescript_type(schema)}" for name, schema in one.in_query]
    options += ["idempotencyKey?: string"] if one.repeatable else []
    takes += [f"options: {{ {', '.join(options)} }} = {{}}"] if options else []
    path = re.sub(r"\{(\w+)\}", lambda found: f"${{part({_lower(found[1])})}}", one.path)
    query = ", ".join(f"{name}: options.{name}" for name, _ in one.in_query)
    given = [f"'{one.method}'", f"`{path}`"]
    given.append("body ?? {}" if one.body else "{}" if one.method != "GET" else "undefined")
    given.append(("options" if len(one.in_query) > 1 else f"{{ {query} }}") if query else "{}")
    given += ["options.idempotencyKey"] if one.repeatable else []
    answer = " | ".join(one.answers) or "void"
    comment = "\n".join(f"   * {line}" for line in wrap(one.summary, COLUMNS - 5))
    head = _in_columns(f"  {_lower(one.name)}(", takes, f"): Promise<{answer}> {{")
    call = _in_columns("    return this.call(", given, f") as Promise<{answer}>")
    return f"  /**\n{comment}\n   */\n{head}\n{call}\n  }}"


def typescript_client(document: Schema) -> str:
    """The module billhook.ts."""
    head = (FOLDER / "typescript" / "head.ts.txt").read_text()
    made = [_typescript_interface(name, schema) for name, schema in types(document).items()]
    methods = [_typescript_method(one) for one in operations(document)]
    core, _, client = head.partition("// TYPES\n")
    return "\n\n".join([core.rstrip(), *made, client.strip(), *methods]) + "\n}\n"


def description() -> Schema:
    """The OpenAPI description of the app, as /openapi.json answers it."""
    from app import app
    from chalicelib.entry.http.openapi.document import document
    from chalicelib.entry.http.openapi.route import routes

    made: Schema = document(routes(app.routes), "https://billing.example.com", "Acme")
    return made


def main() -> None:
    """Write both files."""
    told = description()
    (FOLDER / "python" / "billhook.py").write_text(python_client(told))
    (FOLDER / "typescript" / "billhook.ts").write_text(typescript_client(told))


if __name__ == "__main__":
    main()
