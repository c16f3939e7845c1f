"""Decodes Anthropic's stream events and whole replies."""

from typing import Any

import orjson

from ..core.errors import ProviderError
from ..core.reply import Delta, Event, Finish, ToolDelta, Usage
from .anthropic_json import JSON_TOOL
from .reading import (
    SHAPE_ERRORS,
    load_json,
    optional_text,
    optional_tokens,
    required_name,
    service_tier,
    shape_error,
    tokens,
)
from .sse import SSEParser

FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


class AnthropicStream:
    """One stream. Input usage comes first, output usage last, `message_stop` ends it.

    Blocks come one after the other. A tool call without arguments has the arguments `{}`.
    """

    def __init__(self) -> None:
        self._sse = SSEParser()
        self._start_usage: dict[str, Any] = {}
        self._reported: Usage | None = None
        self._output_tokens: int | None = None
        self._reason: str | None = None
        self._calls = 0
        self._block = ""
        self._no_arguments = False
        self._done = False

    @property
    def reported_usage(self) -> Usage | None:
        """The usage reported so far: the prompt's, as soon as the stream starts."""
        return self._reported

    @property
    def service_tier(self) -> str:
        """The service tier of the usage reported so far, "" for the standard one."""
        return service_tier(self._start_usage)

    def feed(self, received: bytes) -> list[Event]:
        events: list[Event] = []
        for name, data in self._sse.feed(received):
            if self._done:
                break
            event = load_json(data, "an event")
            try:
                self._take(name, event, events)
            except SHAPE_ERRORS as error:
                raise shape_error("an event", error) from error
        return events

    def _take(self, name: bytes, event: dict[str, Any], events: list[Event]) -> None:
        if name == b"content_block_delta":
            self._take_delta(event["delta"], events)
        elif name == b"content_block_start":
            self._open(event["content_block"], events)
        elif name == b"content_block_stop":
            self._close(events)
        elif name == b"message_start":
            self._start_usage = event["message"]["usage"]
            self._reported = usage_of(self._start_usage, 0)
        elif name == b"message_delta":
            self._reason = optional_text(event["delta"]["stop_reason"])
            self._output_tokens = tokens(event["usage"], "output_tokens")
        elif name == b"message_stop":
            self._finish(events)
        elif name == b"error":
            raise in_band(event)

    def _take_delta(self, delta: dict[str, Any], events: list[Event]) -> None:
        if delta["type"] == "text_delta":
            if optional_text(delta["text"]):
                events.append(Delta(delta["text"]))
        elif delta["type"] == "input_json_delta" and optional_text(delta["partial_json"]):
            self._emit_arguments(delta["partial_json"], events)

    def _open(self, block: dict[str, Any], events: list[Event]) -> None:
        self._block = optional_text(block["type"])
        if self._block != "tool_use":
            return
        self._no_arguments = True
        if block["name"] == JSON_TOOL:
            self._block = "json"
        else:
            events.append(
                ToolDelta(self._calls, required_name(block["id"]), required_name(block["name"]), "")
            )
            self._calls += 1
        if block.get("input"):
            self._emit_arguments(arguments_of(block), events)

    def _close(self, events: list[Event]) -> None:
        if self._no_arguments:
            self._emit_arguments("{}", events)
        self._block = ""

    def _emit_arguments(self, text: str, events: list[Event]) -> None:
        self._no_arguments = False
        if self._block == "json":
            events.append(Delta(text))
        elif self._block == "tool_use":
            events.append(ToolDelta(self._calls - 1, "", "", text))

    def _finish(self, events: list[Event]) -> None:
        if self._reason is None or self._output_tokens is None:
            raise ProviderError("truncated", "message_stop came without message_delta")
        self._done = True
        usage = usage_of(self._start_usage, self._output_tokens)
        events.append(Finish(reason_of(self._reason, calls=bool(self._calls)), usage))

    def end(self) -> None:
        if not self._done:
            raise ProviderError("truncated", "the stream ended without message_stop")


def events_of(reply: dict[str, Any]) -> list[Event]:
    """A whole reply's events. Raises one of `SHAPE_ERRORS` if its shape is wrong."""
    texts: list[str] = []
    calls: list[Event] = []
    for block in reply["content"]:
        if block["type"] == "text":
            texts.append(optional_text(block["text"]))
        elif block["type"] == "tool_use" and block["name"] == JSON_TOOL:
            texts.append(arguments_of(block))
        elif block["type"] == "tool_use":
            id, name = required_name(block["id"]), required_name(block["name"])
            calls.append(ToolDelta(len(calls), id, name, arguments_of(block)))
    text = "".join(texts)
    usage = usage_of(reply["usage"], tokens(reply["usage"], "output_tokens"))
    content: list[Event] = [Delta(text)] if text else []
    return [*content, *calls, Finish(reason_of(reply["stop_reason"], calls=bool(calls)), usage)]


def arguments_of(block: dict[str, Any]) -> str:
    """A tool's input as JSON."""
    return orjson.dumps(block["input"]).decode()


def reason_of(stop_reason: Any, *, calls: bool) -> str:
    """The finish reason in OpenAI's terms; "stop" for a JSON reply through the forced tool."""
    reason = FINISH_REASONS.get(optional_text(stop_reason), "stop")
    return "stop" if reason == "tool_calls" and not calls else reason


def usage_of(start: dict[str, Any], output_tokens: int) -> Usage:
    """Usage; `input_tokens` includes cache reads and writes. Writes count as five-minute entries unless
    reported as one-hour entries.
    """
    read = optional_tokens(start, "cache_read_input_tokens")
    written = optional_tokens(start, "cache_creation_input_tokens")
    hour = min(written, optional_tokens(start.get("cache_creation") or {}, "ephemeral_1h_input_tokens"))
    return Usage(
        input_tokens=tokens(start, "input_tokens") + read + written,
        output_tokens=output_tokens,
        cached_input_tokens=read,
        cache_write_tokens=written - hour,
        cache_write_1h_tokens=hour,
        service_tier=service_tier(start),
    )


def in_band(event: dict[str, Any]) -> ProviderError:
    """An error on HTTP 200."""
    error = event["error"] if isinstance(event.get("error"), dict) else {}
    return ProviderError("in_band", f"{error.get('type')}: {error.get('message')}", status=200)
