"""Odd tool calls, as of servers that only nearly speak OpenAI's protocol."""

from collections.abc import Iterator
from typing import Any

from ....plan import Block
from ...edit import Edit, Edits, Json
from ...events import Events
from ..reply import tool_call
from .chunks import choices_of


class _Deltas(Edit):
    """An edit of each delta of a tool call."""

    def piece(self, events: Events, nth: int) -> Events:
        """The chunk, its tool calls changed."""
        piece = self.plan.pieces[nth]
        blocks = self.plan.choices[piece.choice].blocks
        if blocks[piece.block].kind == "tool":
            position = sum(block.kind == "tool" for block in blocks[: piece.block])
            for delta in _deltas_with_calls(events):
                calls = delta["tool_calls"]
                delta["tool_calls"] = [self.call(call, blocks[piece.block], position) for call in calls]
        return events

    def call(self, call: Json, block: Block, position: int) -> Json:
        """The delta that is sent instead; `position` is that of the call among those of its choice."""
        return call


class NoIndex(_Deltas):
    """No `index`: Gemini's OpenAI endpoint. Source: openai-python#2806."""

    def call(self, call: Json, block: Block, position: int) -> Json:
        """The id instead, without which several calls could not be told apart."""
        named = {**call, "id": call.get("id") or f"call_{block.id}"}
        return {key: value for key, value in named.items() if key != "index"}


class AllIndexZero(_Deltas):
    """Every call has index 0; only the ids differ. Source: new-api#2701."""

    def call(self, call: Json, block: Block, position: int) -> Json:
        """Index 0, and the id in every delta."""
        return {**call, "id": call.get("id") or f"call_{block.id}", "index": 0}


class RepeatedId(_Deltas):
    """Id, type and name in every delta of a call, not only in its first."""

    def call(self, call: Json, block: Block, position: int) -> Json:
        """The delta with all that identifies its call."""
        return {"index": position, **tool_call(block, call["function"]["arguments"])}


class EmptyId(_Deltas):
    """Id and name are empty strings in later deltas: DashScope. Source: opencode#37841."""

    def call(self, call: Json, block: Block, position: int) -> Json:
        """Empty strings where others say nothing."""
        if "id" in call:
            return call
        return {**call, "id": "", "type": "function", "function": {"name": "", **call["function"]}}


class NullArguments(_Deltas):
    """Null arguments where others have an empty string, and null ids and names in later deltas.

    Source: sglang#35542.
    """

    def call(self, call: Json, block: Block, position: int) -> Json:
        """Null for what is empty or absent."""
        function = {"name": None, **call["function"]}
        return {
            "id": None,
            "type": None,
            **call,
            "function": {**function, "arguments": function["arguments"] or None},
        }

    def whole(self, reply: Json) -> Json:
        """Null for arguments without a member."""
        for choice in reply["choices"]:
            for call in choice["message"].get("tool_calls", ()):
                if call["function"]["arguments"] == "{}":
                    call["function"]["arguments"] = None
        return reply


class WholeCall(Edit):
    """Each call in one delta, with its last chunk: Gemini's OpenAI endpoint.

    Source: open-webui/computer#224.
    """

    def __init__(self, plan: Any, at: int) -> None:
        super().__init__(plan, at)
        self._left: dict[tuple[int, int], int] = {}
        for piece in plan.to_send:
            key = (piece.choice, piece.block)
            self._left[key] = self._left.get(key, 0) + 1

    def piece(self, events: Events, nth: int) -> Events:
        """Nothing until the call is complete, then all of it."""
        piece = self.plan.pieces[nth]
        choice = self.plan.choices[piece.choice]
        block, key = choice.blocks[piece.block], (piece.choice, piece.block)
        if block.kind != "tool":
            return events
        self._left[key] -= 1
        if self._left[key]:
            return []
        tools = [each for each in choice.blocks if each.kind == "tool"]
        call = {"index": tools.index(block), **tool_call(block, self.plan.text_of(*key))}
        last = [event for event in events if choices_of(event)][-1]
        choices_of(last)[0]["delta"] = {"tool_calls": [call]}
        return [last]


class FinishStop(Edit):
    """Tool calls with finish reason "stop": Gemini's OpenAI endpoint. Source: open-webui/computer#224."""

    def finish(self, events: Events) -> Events:
        """The other reason."""
        for event in events:
            for choice in choices_of(event):
                if choice.get("finish_reason"):
                    choice["finish_reason"] = "stop"
        return events

    def whole(self, reply: Json) -> Json:
        """The other reason."""
        return {**reply, "choices": [{**choice, "finish_reason": "stop"} for choice in reply["choices"]]}


EDITS: Edits = {
    "tools_no_index": NoIndex,
    "tools_index_0": AllIndexZero,
    "tools_repeated_id": RepeatedId,
    "tools_empty_id": EmptyId,
    "tools_null_arguments": NullArguments,
    "tools_whole": WholeCall,
    "tools_finish_stop": FinishStop,
}


def _deltas_with_calls(events: Events) -> Iterator[Json]:
    for event in events:
        for choice in choices_of(event):
            if (choice.get("delta") or {}).get("tool_calls"):
                yield choice["delta"]
