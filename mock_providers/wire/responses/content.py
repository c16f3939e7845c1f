"""Reads the content of messages and of tool outputs: a string, or a list of parts."""

from typing import Any

from ...exchange.bad_field import BadField
from ...exchange.request import Part
from ..fields import Fields

_TEXT_KEYS = {
    "input_text": "text",
    "output_text": "text",
    "summary_text": "text",
    "reasoning_text": "text",
    "refusal": "refusal",
}
_MEDIA = {"input_image": "[image]", "input_file": "[file]", "input_audio": "[audio]"}
"""Parts that are no text, by the words that stand for them in the prompt."""
INPUT_KINDS = ("input_text", "input_image", "input_file", "input_audio")
OUTPUT_KINDS = ("output_text", "refusal")


def read_parts(holder: Fields, key: str, kinds: tuple[str, ...]) -> tuple[Part, ...]:
    """The content under `key`; raises BadField for a part that is not of `kinds`."""
    value = holder.require(key)
    if isinstance(value, str):
        return (Part(value),)
    path = (*holder.path, key)
    if not isinstance(value, list):
        raise BadField(path, "type", "string", value)
    return tuple(_part(Fields(part, (*path, nth)), kinds) for nth, part in enumerate(value))


def _part(part: Fields, kinds: tuple[str, ...]) -> Part:
    kind = part.choice("type", kinds)
    if kind in _TEXT_KEYS:
        return Part(part.text(_TEXT_KEYS[kind]))
    return Part(_MEDIA[kind])


def as_parts(role: str, content: Any) -> Any:
    """The content of a message as the list that stored items have."""
    if not isinstance(content, str):
        return content
    if role == "assistant":
        return [{"type": "output_text", "annotations": [], "logprobs": [], "text": content}]
    return [{"type": "input_text", "text": content}]
