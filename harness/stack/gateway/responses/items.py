"""Reads the items of a response's input as the messages of a chat.

Reasoning items are dropped: the stack's targets are asked by chat completions, which take none. Consecutive
items of the model (words and calls) are one message.
"""

from typing import Any

import orjson

from ...core.request import Message
from ..fields import BadRequest, text
from ..messages import read_message

Json = dict[str, Any]

INPUT_PARTS = ("input_text", "input_image", "input_file", "input_audio")
OUTPUT_PARTS = ("output_text", "refusal")


def read_items(value: Any) -> tuple[Json, ...]:
    """The items of `input`, a string being one of them. Raises `BadRequest`."""
    if isinstance(value, str):
        return ({"type": "message", "role": "user", "content": value},)
    if not isinstance(value, list):
        raise BadRequest("'input' must be a string or an array of items.", "input")
    return tuple(_item(item, f"input[{nth}]") for nth, item in enumerate(value))


def _item(item: Any, where: str) -> Json:
    if not isinstance(item, dict):
        raise BadRequest(f"'{where}' must be an object.", where)
    kind = item.get("type") or ("message" if "role" in item else "item_reference")
    if kind not in _READERS and kind != "reasoning":
        expected = ", ".join([*_READERS, "reasoning"])
        raise BadRequest(
            f"'{where}.type' must be one of {expected} at this gateway, got '{kind}'.", f"{where}.type"
        )
    return {**item, "type": kind}


def messages_of(items: tuple[Json, ...], first: int) -> tuple[Message, ...]:
    """The messages that these items are; `first`: the index of the first one of the request itself.

    Raises `BadRequest`.
    """
    messages: list[Message] = []
    for nth, item in enumerate(items):
        if item["type"] == "reasoning":
            continue
        message = _READERS[item["type"]](item, f"input[{nth - first}]")
        if message.role == "assistant" and messages and messages[-1].role == "assistant":
            messages[-1] = _joined(messages[-1], message)
        else:
            messages.append(message)
    return tuple(messages)


def _joined(one: Message, other: Message) -> Message:
    return Message("assistant", one.content + other.content, one.tool_calls + other.tool_calls)


def _message(item: Json, where: str) -> Message:
    turn = {name: item[name] for name in ("role", "content") if name in item}
    if turn.get("role") == "tool":
        raise BadRequest(f"{where}.role must be one of system, developer, user, assistant.", where)
    kinds = OUTPUT_PARTS if turn.get("role") == "assistant" else INPUT_PARTS
    return read_message({**turn, "content": _content(turn.get("content"), kinds, where)}, where)


def _function_call(item: Json, where: str) -> Message:
    function = {"name": item.get("name"), "arguments": item.get("arguments")}
    return _call(item, function, where)


def _custom_call(item: Json, where: str) -> Message:
    return _call(item, {"name": item.get("name"), "arguments": as_arguments(item.get("input"), where)}, where)


def _call(item: Json, function: Json, where: str) -> Message:
    call = {"id": text(item, "call_id", where), "type": "function", "function": function}
    return read_message({"role": "assistant", "content": None, "tool_calls": [call]}, where)


def _output(item: Json, where: str) -> Message:
    turn = {"role": "tool", "tool_call_id": text(item, "call_id", where)}
    parts = (*INPUT_PARTS, "output_text")
    return read_message({**turn, "content": _content(item.get("output"), parts, where)}, where)


_READERS = {
    "message": _message,
    "function_call": _function_call,
    "function_call_output": _output,
    "custom_tool_call": _custom_call,
    "custom_tool_call_output": _output,
}


def _content(content: Any, kinds: tuple[str, ...], where: str) -> Any:
    """The content in the form of chat completions."""
    if not isinstance(content, list):
        return content
    return [_part(part, kinds, f"{where}.content[{nth}]") for nth, part in enumerate(content)]


def _part(part: Any, kinds: tuple[str, ...], where: str) -> Json:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind not in kinds:
        raise BadRequest(f"'{where}.type' must be one of {', '.join(kinds)}.", f"{where}.type")
    if kind == "refusal":
        return {"type": "refusal", "refusal": part.get("refusal")}
    if kind == "input_image":
        return {"type": "image_url", "image_url": _given(part, {"url": "image_url", "detail": "detail"})}
    if kind == "input_file":
        data = "file_url" if part.get("file_url") else "file_data"
        names = {"file_data": data, "file_id": "file_id", "filename": "filename"}
        return {"type": "file", "file": _given(part, names)}
    if kind == "input_audio":
        return {"type": "input_audio", "input_audio": part.get("input_audio")}
    return {"type": "text", "text": part.get("text")}


def _given(part: Json, names: dict[str, str]) -> Json:
    return {name: part[own] for name, own in names.items() if part.get(own) is not None}


def as_arguments(value: Any, where: str) -> str:
    """The input of a custom tool as the arguments of the function that stands for it."""
    if not isinstance(value, str):
        raise BadRequest(f"'{where}.input' must be a string.", f"{where}.input")
    return orjson.dumps({"input": value}).decode()
