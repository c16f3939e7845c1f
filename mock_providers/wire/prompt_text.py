"""Tools and tool calls as prompt text: alike in every protocol, so the same prompt has the same tokens."""

from collections.abc import Mapping
from typing import Any

from .fields import canonical


def definition_text(name: str, description: str | None, schema: Mapping[str, Any] | None) -> str:
    """A tool's definition as canonical JSON, without what is None; raises ValueError if nested too deeply."""
    definition = {"name": name, "description": description, "parameters": schema}
    return canonical({key: value for key, value in definition.items() if value is not None})


def call_text(name: str, arguments: object) -> str:
    """A call of a tool as canonical JSON; raises ValueError for arguments nested too deeply."""
    return canonical({"name": name, "arguments": arguments})
