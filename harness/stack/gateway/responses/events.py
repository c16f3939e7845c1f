"""Writes the events of a streamed response, numbered from 0.

Source: developers.openai.com/api/reference/resources/responses/streaming-events.
"""

from typing import Any

import orjson

from ...core.errors import StackError
from ...core.reply import Delta, Finish, ToolCall, ToolDelta
from .response import (
    Identity,
    Json,
    call_item,
    custom_input,
    item_status,
    message_item,
    status_of,
    text_part,
)


class EventWriter:
    """Writes one stream; `output`: the items that are done."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._numbers = 0
        self._open: _Words | _Call | None = None
        self.output: list[Json] = []

    def opening(self) -> bytes:
        """The response, before it has content."""
        response = {"response": self._identity.response("in_progress")}
        return self._event("response.created", response) + self._event("response.in_progress", response)

    def piece(self, event: Delta | ToolDelta) -> bytes:
        """One piece of words or of a call."""
        if isinstance(event, Delta):
            return self._words(event.text)
        return self._call(event)

    def closing(self, finish: Finish) -> tuple[bytes, Json]:
        """The end of the last item and of the response, and the response."""
        written = b""
        if self._open is None and not self.output:
            written = self._words("")
        written += self._close(item_status(finish))
        status = status_of(finish)
        response = self._identity.response(status, self.output, finish)
        return written + self._event(f"response.{status}", {"response": response}), response

    def failure(self, error: StackError) -> bytes:
        """An error event, then the response that failed.

        Source: vercel/ai, packages/openai, `openai-error.1.chunks.txt`, a recorded stream.
        """
        words = {"code": error.kind, "message": str(error)}
        event = self._event("error", {"error": {"type": "upstream_error", **words, "param": None}})
        code = "rate_limit_exceeded" if error.kind == "rate_limited" else "server_error"
        failed = self._identity.response("failed", self.output, error={**words, "code": code})
        return event + self._event("response.failed", {"response": failed})

    def _words(self, text: str) -> bytes:
        written = b""
        if not isinstance(self._open, _Words):
            written = self._close("completed")
            self._open = _Words(self._identity.item_id("msg", len(self.output)))
            item = message_item(self._open.id, "in_progress", None)
            written += self._item("added", item)
            written += self._event(
                "response.content_part.added", self._at(self._open) | {"part": text_part("")}
            )
        self._open.text += text
        if not text:
            return written
        delta = self._at(self._open) | {"logprobs": [], "delta": text}
        return written + self._event("response.output_text.delta", delta)

    def _call(self, piece: ToolDelta) -> bytes:
        written = b""
        if not isinstance(self._open, _Call) or self._open.index != piece.index:
            written = self._close("completed")
            self._open = _Call(piece.index, piece.id, piece.name)
            call = ToolCall(piece.id, piece.name, "")
            written += self._item("added", call_item(self._identity, len(self.output), call, "in_progress"))
        self._open.arguments += piece.arguments
        if not piece.arguments or self._open.name in self._identity.custom_tools:
            return written  # the text for a custom tool is known when its arguments are whole
        return written + self._event("response.function_call_arguments.delta", {
            **self._of_call(), "delta": piece.arguments})  # fmt: skip

    def _close(self, status: str) -> bytes:
        """The end of the open item."""
        match self._open:
            case None:
                return b""
            case _Words() as words:
                item, text = message_item(words.id, status, words.text), words.text
                at = self._at(words)
                written = self._event("response.output_text.done", at | {"logprobs": [], "text": text})
                written += self._event("response.content_part.done", at | {"part": text_part(text)})
            case _Call() as call:
                whole = ToolCall(call.id, call.name, call.arguments)
                item = call_item(self._identity, len(self.output), whole, status)
                written = self._call_done(call)
        self._open = None
        written += self._item("done", item)
        self.output.append(item)
        return written

    def _call_done(self, call: "_Call") -> bytes:
        at = self._of_call()
        if call.name not in self._identity.custom_tools:
            return self._event("response.function_call_arguments.done", at | {"arguments": call.arguments})
        text = custom_input(call.arguments)
        delta = self._event("response.custom_tool_call_input.delta", at | {"delta": text}) if text else b""
        return delta + self._event("response.custom_tool_call_input.done", at | {"input": text})

    def _of_call(self) -> Json:
        assert isinstance(self._open, _Call)
        prefix = "ctc" if self._open.name in self._identity.custom_tools else "fc"
        nth = len(self.output)
        return {"item_id": self._identity.item_id(prefix, nth), "output_index": nth}

    def _at(self, words: "_Words") -> Json:
        return {"item_id": words.id, "output_index": len(self.output), "content_index": 0}

    def _item(self, what: str, item: Json) -> bytes:
        fields = {"item": item, "output_index": len(self.output)}
        return self._event(f"response.output_item.{what}", fields)

    def _event(self, name: str, fields: dict[str, Any]) -> bytes:
        data = orjson.dumps({"type": name, "sequence_number": self._numbers, **fields})
        self._numbers += 1
        return b"event: %s\ndata: %s\n\n" % (name.encode(), data)


class _Words:
    """The message that is being written."""

    __slots__ = ("id", "text")

    def __init__(self, id: str) -> None:
        self.id = id
        self.text = ""


class _Call:
    """The call that is being written."""

    __slots__ = ("arguments", "id", "index", "name")

    def __init__(self, index: int, id: str, name: str) -> None:
        self.index, self.id, self.name = index, id, name
        self.arguments = ""
