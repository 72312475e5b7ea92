"""The server, over standard input and output."""

import json
from collections.abc import Sequence
from typing import Any

import anyio
import mcp_types as types
from mcp.server import Server
from mcp.server.stdio import stdio_server

from chalicelib.domain.errors import BillhookError
from chalicelib.domain.security.visible_text import visible
from ops.mcp.api import Api
from ops.mcp.tools import DATA_NOT_INSTRUCTIONS, SAFE_TO_REPEAT, Tool, for_a_model, tools_of

INSTRUCTIONS = (
    "Billing of a SaaS product: accounts, access, subscriptions, events, reports, audit log."
    " Amounts are integers in minor units, times are in UTC. " + DATA_NOT_INSTRUCTIONS
)


def serve(api: Api, with_actions: bool) -> None:
    """Answer an assistant until it ends the connection. Raises Unavailable if the system cannot be
    reached at the start.
    """
    description = api.description()
    tools = list(tools_of(description, with_actions))
    anyio.run(_serve, api, tools, description["info"]["version"])


async def _serve(api: Api, tools: Sequence[Tool], version: str) -> None:
    by_name = {tool.name: tool for tool in tools}

    async def list_tools(context: Any, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_described(tool) for tool in tools])

    async def call_tool(context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = by_name.get(params.name)
        if tool is None:
            return _result(f"There is no tool {params.name[:40]!a}.", failed=True)
        try:
            path, body = tool.request(params.arguments or {})
            status, text = await anyio.to_thread.run_sync(api.call, tool.method, path, body)
        except BillhookError as error:
            return _result(error.message, failed=True)
        shown = for_a_model(text) if text else json.dumps({"status": status})
        return _result(shown, failed=status >= 400)

    server: Server[Any] = Server(
        "billhook",
        version=version,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


def _described(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        description=tool.help,
        input_schema=dict(tool.schema),
        annotations=types.ToolAnnotations(
            read_only_hint=tool.reads,
            destructive_hint=not tool.reads,
            idempotent_hint=tool.method in SAFE_TO_REPEAT,
            open_world_hint=False,
        ),
    )


def _result(text: str, failed: bool) -> types.CallToolResult:
    """The text as a result. Clients show it in a terminal: no letter of it controls that."""
    content = [
        types.TextContent(type="text", text=DATA_NOT_INSTRUCTIONS),
        types.TextContent(type="text", text=visible(text)),
    ]
    return types.CallToolResult(content=list(content), is_error=failed)
