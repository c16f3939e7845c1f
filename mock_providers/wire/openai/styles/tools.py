"""OpenAI's other ways to give tools, read as function tools: custom tools, `allowed_tools`, deprecated
`functions`.

Sources: platform.openai.com/docs/guides/function-calling, the SDK's `CompletionCreateParams`.

- a custom tool takes free text: here a function with one argument, `input`
- `allowed_tools` is a tool choice that names some of the tools
- `functions` and `function_call` are the predecessors of `tools` and `tool_choice`; their calls have no ids
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from ....exchange.bad_field import BadField
from ...fields import Fields, arguments, canonical, dumps

INPUT = "input"
_SCHEMA = {"type": "object", "properties": {INPUT: {"type": "string"}}, "required": [INPUT]}


class ToolStyle(NamedTuple):
    """How the tools of a request differ from function tools.

    - `custom`: the names of custom tools
    - `allowed`: the names of the tools that may be called; None: all
    - `legacy`: they are `functions`
    """

    custom: frozenset[str] = frozenset()
    allowed: frozenset[str] | None = None
    legacy: bool = False


def as_function_tools(body: Any) -> tuple[Any, ToolStyle]:
    """The JSON of a request with function tools only, and how they were given; raises BadField."""
    if not isinstance(body, dict):
        return body, ToolStyle()
    if body.get("functions") or body.get("function_call"):
        return _without_functions(body), ToolStyle(legacy=True)
    choice = body.get("tool_choice")
    custom = frozenset(_custom_names(body))
    kind = choice.get("type") if isinstance(choice, dict) else None
    if not custom and kind not in ("allowed_tools", "custom") and not _has_custom_calls(body):
        return body, ToolStyle()
    tools = [_as_function(tool) for tool in Fields(body).items("tools")]
    changed = {**body, **({"tools": tools} if tools else {}), "messages": _messages(body)}
    if kind == "custom":
        changed["tool_choice"] = _as_function(choice)
    if kind != "allowed_tools":
        return changed, ToolStyle(custom)
    allowed = Fields(body).inner("tool_choice").inner("allowed_tools")
    changed["tool_choice"] = allowed.choice("mode", ("auto", "required"))
    names = frozenset(_name(each, ("tool_choice", nth)) for nth, each in enumerate(allowed.items("tools")))
    return changed, ToolStyle(custom, names)


def _name(tool: Any, path: tuple[str | int, ...]) -> str:
    """The name inside a function's or a custom tool's reference."""
    fields = Fields(tool, path)
    return fields.inner(fields.choice("type", ("function", "custom"))).text("name")


def _custom_names(body: dict[str, Any]) -> Iterator[str]:
    for nth, tool in enumerate(Fields(body).items("tools")):
        if isinstance(tool, dict) and tool.get("type") == "custom":
            yield _name(tool, ("tools", nth))


def _has_custom_calls(body: dict[str, Any]) -> bool:
    return b'"custom"' in dumps(body.get("messages"))


def _as_function(tool: Any) -> Any:
    """A custom tool, or a reference to one, as a function."""
    if not isinstance(tool, dict) or tool.get("type") != "custom" or not isinstance(tool.get("custom"), dict):
        return tool
    about = {key: value for key, value in tool["custom"].items() if key != "format"}
    return {"type": "function", "function": {**about, "parameters": _SCHEMA}}


def _messages(body: dict[str, Any]) -> Any:
    """The messages, calls of custom tools as calls of functions."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return messages
    return [_with_calls(message) if isinstance(message, dict) else message for message in messages]


def _with_calls(message: dict[str, Any]) -> dict[str, Any]:
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return message
    return {**message, "tool_calls": [_call(call) for call in calls]}


def _call(call: Any) -> Any:
    if not isinstance(call, dict) or call.get("type") != "custom" or not isinstance(call.get("custom"), dict):
        return call
    made = {"name": call["custom"].get("name"), "arguments": _arguments(call["custom"].get(INPUT))}
    return {"id": call.get("id"), "type": "function", "function": made}


def _arguments(text: Any) -> str:
    return canonical({INPUT: text})


def input_of(text: str) -> str:
    """The free text in the arguments of a custom tool's call; as much as there is of a cut one."""
    whole = arguments(text).get(INPUT)
    return whole if isinstance(whole, str) else text.removeprefix('{"input":"')


def _without_functions(body: dict[str, Any]) -> dict[str, Any]:
    """The request with tools in the place of functions; a call's id is its place in the conversation."""
    fields = Fields(body)
    rest = {key: value for key, value in body.items() if key not in ("functions", "function_call")}
    if functions := fields.items("functions"):
        rest["tools"] = [{"type": "function", "function": function} for function in functions]
        rest["parallel_tool_calls"] = False
    choice = body.get("function_call")
    if isinstance(choice, dict):
        rest["tool_choice"] = {
            "type": "function",
            "function": {"name": fields.inner("function_call").text("name")},
        }
    elif choice is not None:
        rest["tool_choice"] = fields.choice("function_call", ("auto", "none"))
    rest["messages"] = list(_with_ids(fields))
    return rest


def _with_ids(fields: Fields) -> Iterator[Any]:
    last = ""
    for nth, message in enumerate(fields.items("messages")):
        if not isinstance(message, dict):
            raise BadField(("messages", nth), "type", "object", message)
        if isinstance(call := message.get("function_call"), dict):
            last = f"call_{nth}"
            kept = {key: value for key, value in message.items() if key != "function_call"}
            yield {**kept, "tool_calls": [{"id": last, "type": "function", "function": call}]}
        elif message.get("role") == "function":
            yield {"role": "tool", "tool_call_id": last, "content": message.get("content")}
        else:
            yield message
