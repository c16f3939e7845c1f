"""The events of a streamed response, each with its name and a sequence number from 0.

`response.created`, `response.in_progress`; for each item `response.output_item.added`, its deltas, what they
add up to, `response.output_item.done`; then `response.completed`, `response.incomplete` or `response.failed`.
No `[DONE]`. Source: developers.openai.com/api/reference/resources/responses/streaming-events.
"""

from functools import cached_property
from typing import Any

import orjson

from ...exchange.request import Problem
from ...plan import Piece, Plan
from ..dialect import Stamp
from ..openai.frames import padding_of
from ..openai.reply import REFUSAL
from .items import Json
from .output import Slot, item, refusal_part, slots_of, text_part
from .reply import Stage, Status, error_object, failed_stage, final_stage, response_object
from .request import ResponseRequest


class ResponseFrames:
    """The frames of one response; `background`: it is queued first."""

    def __init__(self, request: ResponseRequest, plan: Plan, stamp: Stamp) -> None:
        self._request, self._plan, self._stamp = request, plan, stamp
        self._slots = {slot.which: slot for slot in slots_of(request, plan, stamp)}
        self._waiting = list(self._slots)
        self._open: _OpenItem | None = None
        self._sent = 0
        self._before = b""

    @cached_property
    def head(self) -> bytes:
        """The response, before it has content."""
        first: Status = "queued" if self._request.background else "in_progress"
        frames = self._lifecycle("response.created", Stage(first))
        if self._request.background:
            frames += self._lifecycle("response.queued", Stage("queued"))
        return frames + self._lifecycle("response.in_progress", Stage("in_progress"))

    def piece(self, piece: Piece) -> bytes:
        """One delta; before the first of an item, the end of the item before it, and its beginning."""
        opening = self._opened(piece.block) if piece.opens else b""
        if self._open is None:
            return opening
        self._open.text += piece.text
        if not self._before:
            return opening
        delta = orjson.dumps(piece.text)
        padding = b',"obfuscation":"%s"' % padding_of(delta) if self._request.obfuscate else b""
        number = self._number()
        return b'%s%s%d,"delta":%s%s}\n\n' % (opening, self._before, number, delta, padding)

    @cached_property
    def finish(self) -> bytes:
        """The end of the last item, and the items that have no words."""
        frames = b""
        while self._waiting:
            frames += self._opened(self._waiting[0])
        return frames + self._closed(final=True)

    @cached_property
    def tail(self) -> bytes:
        """The whole response."""
        stage = final_stage(self._plan)
        return self._lifecycle(f"response.{stage.status}", stage)

    def failure(self, problem: Problem) -> bytes:
        """An error after the events so far: an `error` event, then the response that failed.

        Source: vercel/ai, packages/openai, `openai-error.1.chunks.txt`, a recorded stream.
        """
        error = {"type": problem.type, **error_object(problem), "param": problem.param}
        if problem.code is not None:
            error["code"] = problem.code
        event = self._event("error", {"error": error})
        return event + self._lifecycle("response.failed", failed_stage(self._plan, problem))

    def _opened(self, which: int) -> bytes:
        """The beginning of an item, after the end of those before it."""
        frames = b""
        while self._waiting and which in self._waiting:
            frames += self._closed()
            slot = self._slots[self._waiting.pop(0)]
            self._open = _OpenItem(slot)
            frames += self._added(slot)
        return frames

    def _added(self, slot: Slot) -> bytes:
        opened = item(self._request, self._plan, slot, "in_progress", "", opened=True)
        frames = self._event("response.output_item.added", {"item": opened, "output_index": slot.position})
        where: Json = {"item_id": slot.id, "output_index": slot.position}
        deltas = _DELTAS[slot.kind]
        if slot.kind == "message":
            part = {"content_index": 0, **where, "part": text_part("")}
            where = {"content_index": 0, **where, "logprobs": []}
            if not self._refuses_at_once:
                frames += self._event("response.content_part.added", part)
        elif slot.kind == "reasoning":
            where = {**where, "summary_index": 0}
            if self._request.summary:
                part = {**where, "part": {"type": "summary_text", "text": ""}}
                frames += self._event("response.reasoning_summary_part.added", part)
            else:
                deltas = ""
        self._before = _prefix(deltas, where) if deltas else b""
        return frames

    def _closed(self, *, final: bool = False) -> bytes:
        """The end of the open item; `final`: it is the last."""
        if self._open is None:
            return b""
        slot, text = self._open.slot, self._open.text
        self._open = None
        where: Json = {"item_id": slot.id, "output_index": slot.position}
        if slot.kind == "message":
            frames = self._text_done(where, text)
        elif slot.kind == "reasoning":
            frames = self._summary_done(where, text) if self._request.summary else b""
        else:
            name, key = _DONE[slot.kind]
            frames = self._event(name, {**where, key: text})
        cut = final and self._plan.choices[0].finish in ("length", "filtered")
        done = item(self._request, self._plan, slot, "incomplete" if cut else "completed", text)
        return frames + self._event(
            "response.output_item.done", {"item": done, "output_index": slot.position}
        )

    def _text_done(self, where: Json, text: str) -> bytes:
        frames, at = b"", {"content_index": 0, **where}
        if not self._refuses_at_once:
            frames = self._event("response.output_text.done", {**at, "logprobs": [], "text": text})
            frames += self._event("response.content_part.done", {**at, "part": text_part(text)})
            at = {**at, "content_index": 1}
        if self._plan.choices[0].finish != "refused":
            return frames
        frames += self._event("response.content_part.added", {**at, "part": refusal_part("")})
        for part in REFUSAL:
            frames += self._event("response.refusal.delta", {**at, "delta": part})
        refusal = "".join(REFUSAL)
        frames += self._event("response.refusal.done", {**at, "refusal": refusal})
        return frames + self._event("response.content_part.done", {**at, "part": refusal_part(refusal)})

    def _summary_done(self, where: Json, text: str) -> bytes:
        at = {**where, "summary_index": 0}
        frames = self._event("response.reasoning_summary_text.done", {**at, "text": text})
        part = {"type": "summary_text", "text": text}
        return frames + self._event("response.reasoning_summary_part.done", {**at, "part": part})

    @property
    def _refuses_at_once(self) -> bool:
        """Whether the message has a refusal and no words."""
        return self._plan.choices[0].finish == "refused" and not self._plan.text

    def _lifecycle(self, name: str, stage: Stage) -> bytes:
        response = response_object(self._request, self._plan, self._stamp, stage)
        return self._event(name, {"response": response})

    def _event(self, name: str, fields: dict[str, Any]) -> bytes:
        return _frame(name, {"type": name, "sequence_number": self._number(), **fields})

    def _number(self) -> int:
        self._sent += 1
        return self._sent - 1


class _OpenItem:
    """The item that is being generated, and its text so far."""

    __slots__ = ("slot", "text")

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.text = ""


_DELTAS = {
    "message": "response.output_text.delta",
    "reasoning": "response.reasoning_summary_text.delta",
    "function_call": "response.function_call_arguments.delta",
    "custom_tool_call": "response.custom_tool_call_input.delta",
}
_DONE = {
    "function_call": ("response.function_call_arguments.done", "arguments"),
    "custom_tool_call": ("response.custom_tool_call_input.done", "input"),
}


def _frame(name: str, data: Json) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps(data))


def _prefix(name: str, where: Json) -> bytes:
    """The frame of a delta up to its sequence number."""
    data = orjson.dumps({"type": name, **where}).removesuffix(b"}")
    return b'event: %s\ndata: %s,"sequence_number":' % (name.encode(), data)
