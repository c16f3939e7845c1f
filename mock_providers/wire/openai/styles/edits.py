"""Calls written as the request gave its tools: of custom tools as free text, of deprecated `functions`
without ids.
"""

from typing import Any

from ....plan import Plan
from ...edit import Edit, Json
from ...events import Event, Events
from .tools import INPUT, ToolStyle, input_of


class LegacyCalls(Edit):
    """`function_call` in the place of `tool_calls`."""

    def each(self, events: Events) -> Events:
        """Every chunk."""
        for event in events:
            for choice in _choices(event.data):
                _as_function_call(choice, choice.get("delta") or {})
        return events

    def whole(self, reply: Json) -> Json:
        """The message of each choice."""
        for choice in _choices(reply):
            _as_function_call(choice, choice["message"])
        return reply


def _as_function_call(choice: Json, holder: Json) -> None:
    if calls := holder.pop("tool_calls", None):
        holder["function_call"] = calls[0]["function"]
    if choice.get("finish_reason") == "tool_calls":
        choice["finish_reason"] = "function_call"


class CustomCalls(Edit):
    """Calls of custom tools with their input as text; a stream sends it whole, before the finish reason."""

    def __init__(self, plan: Plan, names: frozenset[str]) -> None:
        super().__init__(plan, 0)
        self._names = names
        self._inputs: dict[tuple[int, int], str] = {}

    def each(self, events: Events) -> Events:
        """The opening of a call without its input; its fragments are kept for `finish`."""
        return [event for event in events if not any(map(self._taken, _choices(event.data)))]

    def _taken(self, choice: Json) -> bool:
        """Whether a chunk has nothing left to send, after what belongs to a custom call is taken from it."""
        for call in (choice.get("delta") or {}).get("tool_calls") or []:
            place = (choice["index"], call["index"])
            function = call.get("function") or {}
            if function.get("name") in self._names:
                self._inputs[place] = ""
                call.pop("function")
                call.update({"type": "custom", "custom": {"name": function["name"], INPUT: ""}})
            elif place in self._inputs:
                self._inputs[place] += function.get("arguments") or ""
                return True
        return False

    def finish(self, events: Events) -> Events:
        """The input of each call, then the finish reason."""
        sent: Events = []
        for (nth, which), text in self._inputs.items():
            call = {"index": which, "custom": {INPUT: input_of(text)}}
            choice = {"index": nth, "delta": {"tool_calls": [call]}, "logprobs": None, "finish_reason": None}
            sent.append(Event({**events[0].data, "choices": [choice]}))
        return [*sent, *events]

    def whole(self, reply: Json) -> Json:
        """The calls of each choice."""
        for choice in _choices(reply):
            for call in choice["message"].get("tool_calls") or []:
                if call["function"]["name"] in self._names:
                    function = call.pop("function")
                    text = input_of(function["arguments"])
                    call.update({"type": "custom", "custom": {"name": function["name"], INPUT: text}})
        return reply


def style_edits(plan: Plan, style: ToolStyle) -> list[Edit]:
    """The edits that write the calls of a plan in this style."""
    if style.legacy:
        return [LegacyCalls(plan, 0)]
    return [CustomCalls(plan, style.custom)] if style.custom else []


def _choices(data: Any) -> list[Json]:
    return data.get("choices", []) if isinstance(data, dict) else []
