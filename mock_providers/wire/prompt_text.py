"""Tools and tool calls as prompt text: alike in every protocol, so the same prompt has the same tokens."""

import re
from collections.abc import Mapping
from typing import Any

from .fields import canonical

_ERROR = re.compile(r"\W*(?:error|exception|traceback|\d+ validation errors?)\b", re.IGNORECASE)


def definition_text(name: str, description: str | None, schema: Mapping[str, Any] | None) -> str:
    """A tool's definition as canonical JSON, without what is None; raises ValueError if nested too deeply."""
    definition = {"name": name, "description": description, "parameters": schema}
    return canonical({key: value for key, value in definition.items() if value is not None})


def call_text(name: str, arguments: object) -> str:
    """A call of a tool as canonical JSON; raises ValueError for arguments nested too deeply."""
    return canonical({"name": name, "arguments": arguments})


def is_error(result: str) -> bool:
    """Whether a tool's result reads as an error, for protocols without a field for it.

    It begins with the word error, exception or traceback, as LangChain's and the Agents SDK's do, or with the
    number of pydantic's validation errors.
    """
    return _ERROR.match(result) is not None
