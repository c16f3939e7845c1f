"""The tool calls of one OpenAI reply, put together from deltas that servers number in their own ways.

OpenAI numbers the calls in every delta (`index`). Other servers leave the number out (Gemini's OpenAI
endpoint), give every call 0, repeat id and name in each delta, or send no id. A delta begins a new call when
its number is new, or when its id or name shows that another call has begun.
Sources: https://github.com/BerriAI/litellm/issues/34382, https://github.com/openai/openai-python/issues/2806.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...core.reply import ToolDelta
from ..reading import arguments_text, is_json, object_of, optional_text, required_name


@dataclass(slots=True)
class _Begun:
    """A call that has begun: its number among ours, and what was sent of it."""

    nth: int
    id: str
    name: str
    arguments: str = ""


class ToolCalls:
    """Takes the deltas in order."""

    def __init__(self) -> None:
        self._begun: list[_Begun] = []
        self._by_index: dict[int, _Begun] = {}

    def __len__(self) -> int:
        return len(self._begun)

    def take(self, piece: Mapping[str, Any], reply_id: str) -> ToolDelta | None:
        """The piece in our numbering, None if it says nothing. Raises `TypeError` for a call without a name.

        A call without id is named after the reply and its number.
        """
        function = object_of(piece.get("function"))
        index, id = _number(piece.get("index")), optional_text(piece.get("id"))
        name, arguments = optional_text(function.get("name")), arguments_text(function.get("arguments"))
        if not (id or name or arguments):
            return None
        call = self._known(index, id, name, arguments)
        if call is None:
            call = self._begin(index, id or f"call_{reply_id}_{len(self._begun)}", required_name(name))
            call.arguments = arguments
            return ToolDelta(call.nth, call.id, call.name, arguments)
        call.arguments += arguments
        return ToolDelta(call.nth, "", "", arguments) if arguments else None

    def _begin(self, index: int | None, id: str, name: str) -> _Begun:
        call = _Begun(len(self._begun), id, name)
        self._begun.append(call)
        self._by_index[call.nth if index is None else index] = call
        return call

    def _known(self, index: int | None, id: str, name: str, arguments: str) -> _Begun | None:
        """The call that a delta belongs to; None if it begins one."""
        if id and (same := next((call for call in self._begun if call.id == id), None)) is not None:
            return same
        if index is None:
            return None if name or not self._begun else self._begun[-1]
        call = self._by_index.get(index)
        if call is None or not name:
            return call
        another = bool(id) or name != call.name or (bool(arguments) and is_json(call.arguments.encode()))
        return None if another else call


def _number(value: Any) -> int | None:
    """The call's number; None if it is left out or no whole number."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value[:9])
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
