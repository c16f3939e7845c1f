"""JSON mode in a protocol whose every model calls tools: the reply is the input of one that must be called.

The tool's input is held to the schema, and streams as it is written, so the decoder gives it out as text. A
call that may use tools of its own, or goes on from a partial answer, or wants something else than an object,
cannot be forced, nor can a target without tools: it is asked in words instead.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from ..core.call import Call

JSON_TOOL = "brownout_reply_in_json"
"""No tool of a caller may be called so."""


def forced(call: Call) -> bool:
    """Whether the reply in JSON that `call` asks for can be a forced tool's input."""
    free = not call.request.tools or call.request.tool_choice == "none"
    wants_object = (call.request.json_schema or {}).get("type", "object") == "object"
    return free and wants_object and not call.request.prefill and call.target.tools


def json_tool(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The tool whose input is the reply."""
    told = "Give your whole reply as the input of this tool."
    return {"name": JSON_TOOL, "description": told, "input_schema": {"type": "object"} | dict(schema)}


def instruction(schema: Mapping[str, Any]) -> str:
    """What the system prompt says instead."""
    asked = "Reply with JSON alone: no other text, no code fence."
    if not schema:
        return f"{asked} The reply is one JSON object."
    return f"{asked} The reply is valid by this JSON schema: {orjson.dumps(schema).decode()}"
