"""Decodes OpenAI's stream chunks and whole replies."""

from typing import Any

from ..core.errors import ProviderError
from ..core.reply import Delta, Event, Finish, ToolDelta, Usage
from .reading import (
    SHAPE_ERRORS,
    load_json,
    message_of,
    optional_text,
    optional_tokens,
    required_name,
    service_tier,
    shape_error,
    tokens,
)
from .sse import SSEParser


class OpenAIStream:
    """One chat completion stream. `[DONE]` is the terminal event; usage may come in any chunk before it."""

    def __init__(self) -> None:
        self._sse = SSEParser()
        self._reason: str | None = None
        self._usage: Usage | None = None
        self.service_tier = ""
        self._calls: list[int] = []
        self._done = False

    @property
    def reported_usage(self) -> Usage | None:
        """The usage, once it was sent."""
        return self._usage

    def feed(self, received: bytes) -> list[Event]:
        events: list[Event] = []
        for _, data in self._sse.feed(received):
            if self._done:
                break
            if data == b"[DONE]":
                self._finish(events)
            else:
                chunk = load_json(data, "a chunk")
                if "error" in chunk:
                    raise in_band(chunk)
                try:
                    self._take(chunk, events)
                except SHAPE_ERRORS as error:
                    raise shape_error("a chunk", error) from error
        return events

    def _take(self, chunk: dict[str, Any], events: list[Event]) -> None:
        self.service_tier = service_tier(chunk) or self.service_tier
        if chunk.get("usage"):
            self._usage = usage_of(chunk["usage"], self.service_tier)
        if not chunk["choices"]:
            return
        choice = chunk["choices"][0]
        delta = choice["delta"]
        text = optional_text(delta.get("content"))
        if text:
            events.append(Delta(text))
        for piece in delta.get("tool_calls") or ():
            self._take_call(piece, events)
        self._reason = optional_text(choice.get("finish_reason")) or self._reason

    def _take_call(self, piece: dict[str, Any], events: list[Event]) -> None:
        """A piece of a tool call; some servers repeat its id and name in every piece."""
        index, function = piece["index"], piece.get("function") or {}
        if not isinstance(index, int):
            raise TypeError(f"expected the number of a tool call, got {index!r}")
        arguments = optional_text(function.get("arguments"))
        if index not in self._calls:
            self._calls.append(index)
            events.append(
                ToolDelta(index, required_name(piece["id"]), required_name(function["name"]), arguments)
            )
        elif arguments:
            events.append(ToolDelta(index, "", "", arguments))

    def _finish(self, events: list[Event]) -> None:
        if self._reason is None:
            raise ProviderError("truncated", "the stream sent [DONE] without a finish_reason")
        self._done = True
        events.append(Finish(reason_of(self._reason, calls=bool(self._calls)), self._usage))

    def end(self) -> None:
        if not self._done:
            raise ProviderError("truncated", "the stream ended without [DONE]")


def events_of(reply: dict[str, Any]) -> list[Event]:
    """A whole reply's events. Raises one of `SHAPE_ERRORS` if its shape is wrong."""
    choice = reply["choices"][0]
    message = choice["message"]
    text = optional_text(message.get("content"))
    events: list[Event] = [Delta(text)] if text else []
    calls = message.get("tool_calls") or ()
    for index, call in enumerate(calls):
        function = call["function"]
        arguments = optional_text(function.get("arguments"))
        events.append(ToolDelta(index, required_name(call["id"]), required_name(function["name"]), arguments))
    reason = reason_of(optional_text(choice.get("finish_reason")) or "stop", calls=bool(calls))
    return [*events, Finish(reason, usage_of(reply.get("usage"), service_tier(reply)))]


def reason_of(reason: str, *, calls: bool) -> str:
    """The finish reason; "tool_calls" also where OpenAI reports "stop" after a forced tool call."""
    return "tool_calls" if calls and reason == "stop" else reason


def usage_of(usage: Any, tier: str) -> Usage | None:
    """The usage in OpenAI's format, billed at the service tier `tier`."""
    if usage is None:
        return None
    prompt = usage.get("prompt_tokens_details") or {}
    completion = usage.get("completion_tokens_details") or {}
    return Usage(
        input_tokens=tokens(usage, "prompt_tokens"),
        output_tokens=tokens(usage, "completion_tokens"),
        cached_input_tokens=optional_tokens(prompt, "cached_tokens"),
        cache_write_tokens=optional_tokens(prompt, "cache_write_tokens"),
        reasoning_tokens=optional_tokens(completion, "reasoning_tokens"),
        service_tier=tier,
    )


def in_band(chunk: dict[str, Any]) -> ProviderError:
    """An error on HTTP 200."""
    error = chunk["error"] if isinstance(chunk["error"], dict) else {"message": str(chunk["error"])}
    return ProviderError("in_band", message_of(error, 200), status=200)
