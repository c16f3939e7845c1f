"""The arguments of tool calls: instances of their schemas."""

import orjson

from ..exchange.draws import Draws
from ..exchange.request import Tool
from .json_values import instance
from .prose import plain_prose

__all__ = ["arguments_of"]


def arguments_of(tool: Tool, draws: Draws) -> str:
    """Arguments of the tool as JSON, an object of its schema; for a tool that takes free text, a sentence."""
    if tool.free_text:
        return plain_prose().sentence_of(plain_prose().start(draws.uniform("input", tool.name)))
    value = instance({"type": "object", **tool.schema}, draws.rng("arguments", tool.name))
    return orjson.dumps(value if isinstance(value, dict) else {}).decode()
