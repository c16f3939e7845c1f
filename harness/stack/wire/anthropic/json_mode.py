"""JSON mode for a protocol without one: the reply is the input of a tool that the model must call.

The tool's input follows the schema and is streamed, so the decoder emits it as text. The tool cannot be
forced on a call that may use its own tools, continues a partial answer, or wants JSON other than an object,
nor on a target without tools: such a call is instructed in the system prompt instead.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from ...core.call import Call

JSON_TOOL = "brownout_reply_in_json"
"""Reserved: a caller's tool must not have this name."""


def forced(call: Call) -> bool:
    """Whether the JSON reply can be requested as the input of a forced tool."""
    free = not call.request.tools or call.request.tool_choice == "none"
    wants_object = (call.request.json_schema or {}).get("type", "object") == "object"
    return free and wants_object and not call.request.prefill and call.target.tools


def json_tool(schema: Mapping[str, Any], about: str = "") -> dict[str, Any]:
    """The tool whose input is the reply; `about` is the caller's description of the schema."""
    description = _joined("Give your whole reply as the input of this tool.", about)
    return {"name": JSON_TOOL, "description": description, "input_schema": {"type": "object"} | dict(schema)}


def instruction(schema: Mapping[str, Any], about: str = "") -> str:
    """The instruction for the system prompt when the tool cannot be forced; `about` as for `json_tool`."""
    json_only = _joined("Reply with JSON alone: no other text, no code fence.", about)
    if not schema:
        return f"{json_only} The reply is one JSON object."
    return f"{json_only} The reply is valid by this JSON schema: {orjson.dumps(schema).decode()}"


def _joined(ours: str, about: str) -> str:
    return f"{ours} {about}" if about else ours
