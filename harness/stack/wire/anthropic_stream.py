"""Anthropic's messages coming back: stream events and whole replies as events."""

from typing import Any

import orjson

from ..core.errors import ProviderError
from ..core.reply import Delta, Event, Finish, ToolDelta, Usage
from .anthropic_json import JSON_TOOL
from .reading import SURPRISES, load_json, named, surprise, tokens, tokens_if_told, words
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
    """One messages stream. Input usage comes first, output usage last, `message_stop` ends it.

    Blocks come one after the other. A tool's arguments begin with its block; if none came, they are `{}`.
    """

    def __init__(self) -> None:
        self._sse = SSEParser()
        self._start_usage: dict[str, Any] = {}
        self._told: Usage | None = None
        self._output_tokens: int | None = None
        self._reason: str | None = None
        self._calls = 0
        self._block = ""
        self._no_arguments = False
        self._done = False

    @property
    def told(self) -> Usage | None:
        """What the provider has said of usage by now: first of all, how long the prompt was."""
        return self._told

    def feed(self, received: bytes) -> list[Event]:
        events: list[Event] = []
        for name, data in self._sse.feed(received):
            if self._done:
                break
            event = load_json(data, "an event")
            try:
                self._take(name, event, events)
            except SURPRISES as error:
                raise surprise("an event", error) from error
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
            self._told = usage_of(self._start_usage, 0)
        elif name == b"message_delta":
            self._reason = words(event["delta"]["stop_reason"])
            self._output_tokens = tokens(event["usage"], "output_tokens")
        elif name == b"message_stop":
            self._finish(events)
        elif name == b"error":
            raise in_band(event)

    def _take_delta(self, delta: dict[str, Any], events: list[Event]) -> None:
        if delta["type"] == "text_delta":
            if words(delta["text"]):
                events.append(Delta(delta["text"]))
        elif delta["type"] == "input_json_delta" and words(delta["partial_json"]):
            self._say_arguments(delta["partial_json"], events)

    def _open(self, block: dict[str, Any], events: list[Event]) -> None:
        self._block = words(block["type"])
        if self._block != "tool_use":
            return
        self._no_arguments = True
        if block["name"] == JSON_TOOL:
            self._block = "json"
        else:
            events.append(ToolDelta(self._calls, named(block["id"]), named(block["name"]), ""))
            self._calls += 1
        if block.get("input"):
            self._say_arguments(arguments_of(block), events)

    def _close(self, events: list[Event]) -> None:
        if self._no_arguments:
            self._say_arguments("{}", events)
        self._block = ""

    def _say_arguments(self, text: str, events: list[Event]) -> None:
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
    """A whole reply's events. Raises one of `SURPRISES` if it is of another shape."""
    texts: list[str] = []
    calls: list[Event] = []
    for block in reply["content"]:
        if block["type"] == "text":
            texts.append(words(block["text"]))
        elif block["type"] == "tool_use" and block["name"] == JSON_TOOL:
            texts.append(arguments_of(block))
        elif block["type"] == "tool_use":
            id, name = named(block["id"]), named(block["name"])
            calls.append(ToolDelta(len(calls), id, name, arguments_of(block)))
    text = "".join(texts)
    usage = usage_of(reply["usage"], tokens(reply["usage"], "output_tokens"))
    said: list[Event] = [Delta(text)] if text else []
    return [*said, *calls, Finish(reason_of(reply["stop_reason"], calls=bool(calls)), usage)]


def arguments_of(block: dict[str, Any]) -> str:
    """A tool's input as JSON."""
    return orjson.dumps(block["input"]).decode()


def reason_of(stop_reason: Any, *, calls: bool) -> str:
    """In OpenAI's words. A reply in JSON that was a tool's input just stops."""
    reason = FINISH_REASONS.get(words(stop_reason), "stop")
    return "stop" if reason == "tool_calls" and not calls else reason


def usage_of(start: dict[str, Any], output_tokens: int) -> Usage:
    """Usage with the cached tokens among the input tokens, each once; what is written stays five minutes
    unless it is told to stay an hour.
    """
    read = tokens_if_told(start, "cache_read_input_tokens")
    written = tokens_if_told(start, "cache_creation_input_tokens")
    hour = min(written, tokens_if_told(start.get("cache_creation") or {}, "ephemeral_1h_input_tokens"))
    return Usage(
        input_tokens=tokens(start, "input_tokens") + read + written,
        output_tokens=output_tokens,
        cached_input_tokens=read,
        cache_write_tokens=written - hour,
        cache_write_1h_tokens=hour,
    )


def in_band(event: dict[str, Any]) -> ProviderError:
    """An error on HTTP 200."""
    error = event["error"] if isinstance(event.get("error"), dict) else {}
    return ProviderError("in_band", f"{error.get('type')}: {error.get('message')}", status=200)
