"""Turns the items of a conversation into the messages of a prompt.

Consecutive items of the model (words, calls, reasoning) are one assistant message, as in chat completions, so
that the same conversation counts the same tokens in both. Reasoning from before the last user message is
dropped. Source: developers.openai.com/api/docs/guides/reasoning (keeping reasoning items in context).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import orjson

from ...exchange.request import Message, Part, Refused, ToolResult, ToolUse
from ..fields import Fields, canonical
from ..prompt_text import call_text, is_error
from .content import INPUT_KINDS, OUTPUT_KINDS, read_parts
from .errors import no_call, no_output
from .items import Json
from .sealed import unsealed

_ROLES = ("user", "assistant", "system", "developer")
_OUTPUT_SUFFIX = "_output"
_HOSTED = (
    "additional_tools",
    "apply_patch_call",
    "apply_patch_call_output",
    "code_interpreter_call",
    "computer_call",
    "computer_call_output",
    "file_search_call",
    "image_generation_call",
    "local_shell_call",
    "local_shell_call_output",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
    "mcp_list_tools",
    "program",
    "program_output",
    "shell_call",
    "shell_call_output",
    "tool_search_call",
    "tool_search_output",
    "web_search_call",
)
"""Items of tools that the provider runs itself: their JSON is part of the prompt."""


class _Turn(NamedTuple):
    """One item as a message; `calls` and `answers`: the id of the call that it is, or answers."""

    role: str
    parts: tuple[Part, ...]
    calls: str = ""
    answers: str = ""


def read_conversation(context: Sequence[Json], own: Sequence[Json], model: str) -> tuple[Message, ...]:
    """The messages of earlier items and of the request's `own`, media counted by the model's rule.

    Raises BadField, and Refused for outputs without a call and calls without an output.
    """
    items = [*context, *own]
    last_user = max((nth for nth, item in enumerate(items) if item.get("role") == "user"), default=0)
    turns = [
        _READERS.get(item["type"], _hosted)(Fields(item, ("input", nth - len(context))), model)
        for nth, item in enumerate(items)
        if item["type"] != "reasoning" or nth > last_user
    ]
    _check_calls(turns)
    messages: list[Message] = []
    for turn in turns:
        if turn.role == "assistant" and messages and messages[-1].role == "assistant":
            messages[-1] = Message("assistant", (*messages[-1].parts, *turn.parts))
        else:
            messages.append(Message(turn.role, turn.parts))
    return tuple(messages)


def _check_calls(turns: Sequence[_Turn]) -> None:
    open_calls: dict[str, None] = {}
    made: set[str] = set()
    for turn in turns:
        if turn.calls:
            open_calls[turn.calls] = None
            made.add(turn.calls)
        elif turn.answers:
            if turn.answers not in made:
                raise Refused(no_call(turn.answers))
            open_calls.pop(turn.answers, None)
    if open_calls:
        raise Refused(no_output(next(iter(open_calls))))


def _message(item: Fields, model: str) -> _Turn:
    role = item.choice("role", _ROLES)
    parts = read_parts(item, "content", OUTPUT_KINDS if role == "assistant" else INPUT_KINDS, model)
    return _Turn("system" if role == "developer" else role, parts or (Part(""),))


def _function_call(item: Fields, model: str) -> _Turn:
    text = item.text("arguments")
    try:
        arguments = orjson.loads(text)
        return _call(item, call_text(item.text("name"), arguments))
    except ValueError:  # no JSON, or nested too deeply: it stays a string
        return _call(item, call_text(item.text("name"), text))


def _custom_call(item: Fields, model: str) -> _Turn:
    return _call(item, call_text(item.text("name"), item.text("input")))


def _call(item: Fields, text: str) -> _Turn:
    id_ = item.text("call_id")
    return _Turn("assistant", (Part(text, about=ToolUse(item.text("name"), id_)),), calls=id_)


def _output(item: Fields, model: str) -> _Turn:
    """The output of a tool, which has no field for errors."""
    id_ = item.text("call_id")
    parts = read_parts(item, "output", (*INPUT_KINDS, "output_text"), model) or (Part(""),)
    result = ToolResult(id_, is_error(parts[0].text))
    return _Turn("tool", tuple(part._replace(about=part.about or result) for part in parts), answers=id_)


def _reasoning(item: Fields, model: str) -> _Turn:
    if item.present("encrypted_content"):
        return _Turn("assistant", (Part(unsealed(item.text("encrypted_content"))),))
    key = "content" if item.present("content") else "summary"
    return _Turn("assistant", read_parts(item, key, ("reasoning_text", "summary_text"), model))


def _compaction(item: Fields, model: str) -> _Turn:
    return _Turn("assistant", (Part(unsealed(item.text("encrypted_content"))),))


def _hosted(item: Fields, model: str) -> _Turn:
    kind = item.choice("type", (*_READERS, "item_reference", *_HOSTED))
    text = canonical(item.without("id", "status"))
    is_output = kind.endswith(_OUTPUT_SUFFIX) or kind == "mcp_approval_response"
    return _Turn("tool" if is_output else "assistant", (Part(text),))


_READERS: dict[str, Callable[[Fields, str], _Turn]] = {
    "message": _message,
    "function_call": _function_call,
    "function_call_output": _output,
    "custom_tool_call": _custom_call,
    "custom_tool_call_output": _output,
    "reasoning": _reasoning,
    "compaction": _compaction,
}
