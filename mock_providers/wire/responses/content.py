"""Reads the content of messages and of tool outputs: a string, or a list of parts."""

from typing import Any

from ...exchange.bad_field import BadField
from ...exchange.media.media import Source
from ...exchange.request import Part
from ..fields import Fields
from ..openai.media import file_of, image_of, read_media, source_of

_TEXT_KEYS = {
    "input_text": "text",
    "output_text": "text",
    "summary_text": "text",
    "reasoning_text": "text",
    "refusal": "refusal",
}
_DETAILS = ("auto", "low", "high", "original")
INPUT_KINDS = ("input_text", "input_image", "input_file", "input_audio")
OUTPUT_KINDS = ("output_text", "refusal")


def read_parts(holder: Fields, key: str, kinds: tuple[str, ...], model: str) -> tuple[Part, ...]:
    """The content under `key`, media counted by the model's rule; raises BadField for other `kinds`."""
    value = holder.require(key)
    if isinstance(value, str):
        return (Part(value),)
    path = (*holder.path, key)
    if not isinstance(value, list):
        raise BadField(path, "type", "string", value)
    return tuple(_part(Fields(part, (*path, nth)), kinds, model) for nth, part in enumerate(value))


def _part(part: Fields, kinds: tuple[str, ...], model: str) -> Part:
    kind = part.choice("type", kinds)
    if kind in _TEXT_KEYS:
        return Part(part.text(_TEXT_KEYS[kind]))
    if kind == "input_audio":
        return read_media(part, kind, model)
    if kind == "input_image":
        detail = part.choice("detail", _DETAILS) if part.present("detail") else "auto"
        return Part("", about=image_of(model, _source(part, "image_url"), detail, part.path))
    key = "file_url" if part.present("file_url") else "file_data"
    return Part("", about=file_of(model, _source(part, key), part.path))


def _source(part: Fields, key: str) -> Source:
    """A file that was uploaded, or the address or the bytes under `key`."""
    return Source(b"", address=part.text("file_id")) if part.present("file_id") else source_of(part, key)


def as_parts(role: str, content: Any) -> Any:
    """The content of a message as the list that stored items have."""
    if not isinstance(content, str):
        return content
    if role == "assistant":
        return [{"type": "output_text", "annotations": [], "logprobs": [], "text": content}]
    return [{"type": "input_text", "text": content}]
