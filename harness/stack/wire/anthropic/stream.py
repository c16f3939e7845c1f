"""Decodes Anthropic's stream events and whole replies: strict about words, tolerant about the rest.

Words are the text and the tool calls, in whichever event they come. A field that no word depends on may be
missing or odd; a word that cannot be read is an error.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from ...core.errors import ProviderError
from ...core.reply import FILTERED, Delta, Event, Finish, ToolDelta, Usage, after_thought
from ..reading import (
    SHAPE_ERRORS,
    is_json,
    list_of,
    load_event,
    object_of,
    optional_text,
    reason_text,
    required_name,
    shape_error,
)
from ..refusal_rules import ANTHROPIC, IN_BAND_STATUS
from ..refusals import BROKEN, broken, fields_of, ruled_kind
from ..sse import ServerSentEvent, SSEParser
from ..usage import merged, optional_tokens, plausible, service_tier, tokens
from .json_mode import JSON_TOOL

FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": FILTERED,
}


class AnthropicStream:
    """One stream. `message_stop` ends it. Usage is cumulative: the prompt's in `message_start`, all of it in
    `message_delta`, without which the output was not counted.

    Blocks come one after the other. A tool call without arguments has the arguments `{}`.
    """

    def __init__(self) -> None:
        self.signs = 0
        self._sse = SSEParser()
        self._usage: Mapping[str, Any] = {}
        self._reason = ""
        self._calls = 0
        self._block = ""
        self._input = ""
        self._wrote = False
        self._counted = False
        self._thought = ""
        self._done = False

    @property
    def reported_usage(self) -> Usage | None:
        """The usage reported so far: the prompt's, as soon as the stream starts."""
        uncounted = {} if self._counted else {"output_tokens": 0}
        return plausible(usage_of({**self._usage, **uncounted}), wrote=False)

    @property
    def finished(self) -> bool:
        return bool(self._reason)

    @property
    def service_tier(self) -> str:
        """The service tier of the usage reported so far, "" for the standard one."""
        return service_tier(self._usage)

    def feed(self, received: bytes) -> list[Event]:
        return self._read(self._sse.feed(received))

    def flush(self) -> list[Event]:
        return self._read([last for last in self._sse.flush() if is_json(last.data)])

    def whole(self) -> Finish | None:
        if self._done or not self._reason:
            return None
        self._done = True
        usage = plausible(usage_of(self._usage), wrote=self._wrote) if self._counted else None
        return Finish(reason_of(self._reason, calls=bool(self._calls)), usage)

    def end(self) -> None:
        if not self._done:
            raise ProviderError("truncated", "the stream ended without message_stop")

    def _read(self, received: list[ServerSentEvent]) -> list[Event]:
        events: list[Event] = []
        for name, data in received:
            if self._done:
                break
            self.signs += 1
            event = load_event(name, data, "an event")
            kind = reason_text(event.get("type")) or name.decode("latin-1")
            before = len(events)
            try:
                self._take(kind, event, events)
            except SHAPE_ERRORS as error:
                raise shape_error("an event", error) from error
            if self._thought and len(events) > before:
                events[before] = after_thought(events[before], self._thought)
                self._thought = ""
            self._wrote = self._wrote or bool(events)
        return events

    def _take(self, kind: str, event: dict[str, Any], events: list[Event]) -> None:
        if kind == "content_block_delta":
            self._take_delta(object_of(event.get("delta")), events)
        elif kind == "content_block_start":
            self._open(object_of(event.get("content_block")), events)
        elif kind == "content_block_stop":
            self._close(events)
        elif kind == "message_start":
            message = object_of(event.get("message"))
            self._usage = merged(self._usage, message.get("usage"))
            for block in list_of(message.get("content")):
                self._open(object_of(block), events)
                self._close(events)
        elif kind == "message_delta":
            self._close(events)
            self._reason = ended_well(object_of(event.get("delta")).get("stop_reason")) or self._reason
            self._usage = merged(self._usage, event.get("usage"))
            self._counted = self._counted or tokens(event.get("usage"), "output_tokens") is not None
        elif kind == "message_stop":
            self._close(events)
            events.append(self._finish())
        elif kind == "error":
            raise in_band(event)

    def _take_delta(self, delta: Mapping[str, Any], events: list[Event]) -> None:
        self._thought += reason_text(delta.get("thinking"))
        text = optional_text(delta.get("text"))
        if text:
            events.append(Delta(text))
        arguments = optional_text(delta.get("partial_json"))
        if arguments:
            self._input = ""
            self._emit_arguments(arguments, events)

    def _open(self, block: Mapping[str, Any], events: list[Event]) -> None:
        """A block begins. Its input is held back: it counts only if no deltas of it follow."""
        self._close(events)
        self._block = reason_text(block.get("type"))
        if self._block == "text":
            text = optional_text(block.get("text"))
            if text:
                events.append(Delta(text))
        if self._block != "tool_use":
            return
        self._input = arguments_of(block)
        name = required_name(block.get("name"))
        if name == JSON_TOOL:
            self._block = "json"
        else:
            id = optional_text(block.get("id")) or f"toolu_{self._calls}"
            events.append(ToolDelta(self._calls, id, name, ""))
            self._calls += 1

    def _close(self, events: list[Event]) -> None:
        if self._input:
            self._emit_arguments(self._input, events)
        self._block = self._input = ""

    def _emit_arguments(self, text: str, events: list[Event]) -> None:
        if self._block == "json":
            events.append(Delta(text))
        elif self._block == "tool_use":
            events.append(ToolDelta(self._calls - 1, "", "", text))

    def _finish(self) -> Finish:
        finish = self.whole()
        if finish is None:
            raise ProviderError("truncated", "message_stop came without a stop_reason")
        return finish


def events_of(reply: dict[str, Any]) -> list[Event]:
    """A whole reply's events. Raises one of `SHAPE_ERRORS` if its shape is wrong, `ProviderError` if it
    finished with an error.
    """
    texts: list[str] = []
    thoughts: list[str] = []
    calls: list[Event] = []
    if "content" not in reply:
        raise KeyError("content")
    for block in map(object_of, list_of(reply["content"])):
        kind = block.get("type")
        if kind == "text":
            texts.append(optional_text(block.get("text")))
        elif kind == "thinking":
            thoughts.append(reason_text(block.get("thinking")))
        elif kind == "tool_use" and block.get("name") == JSON_TOOL:
            texts.append(arguments_of(block))
        elif kind == "tool_use":
            id = optional_text(block.get("id")) or f"toolu_{len(calls)}"
            calls.append(ToolDelta(len(calls), id, required_name(block.get("name")), arguments_of(block)))
    text = "".join(texts)
    content: list[Event] = [*([Delta(text)] if text else []), *calls]
    if content:
        content[0] = after_thought(content[0], "".join(thoughts))
    usage = plausible(usage_of(merged({}, reply.get("usage"))), wrote=bool(content))
    return [*content, Finish(reason_of(ended_well(reply.get("stop_reason")), calls=bool(calls)), usage)]


def ended_well(stop_reason: Any) -> str:
    """The stop reason, "" without one. Raises `ProviderError` for one that means a failure."""
    reason = reason_text(stop_reason)
    if reason in BROKEN:
        raise broken(reason)
    return reason


def arguments_of(block: Mapping[str, Any]) -> str:
    """A tool's input as JSON, `{}` if it has none."""
    written = block.get("input")
    if isinstance(written, str) and written:
        return written
    return orjson.dumps(written or {}).decode()


def reason_of(stop_reason: str, *, calls: bool) -> str:
    """The finish reason in OpenAI's terms; "stop" for a JSON reply through the forced tool."""
    reason = FINISH_REASONS.get(stop_reason, "stop")
    return "stop" if reason == "tool_calls" and not calls else reason


def usage_of(report: Mapping[str, Any]) -> Usage | None:
    """Usage; `input_tokens` includes cache reads and writes. Writes count as five-minute entries unless
    reported as one-hour entries. None unless it has both counts.
    """
    uncached, output_tokens = tokens(report, "input_tokens"), tokens(report, "output_tokens")
    if uncached is None or output_tokens is None:
        return None
    read = optional_tokens(report, "cache_read_input_tokens")
    written = optional_tokens(report, "cache_creation_input_tokens")
    hour = min(written, optional_tokens(report.get("cache_creation"), "ephemeral_1h_input_tokens"))
    return Usage(
        input_tokens=uncached + read + written,
        output_tokens=output_tokens,
        cached_input_tokens=read,
        cache_write_tokens=written - hour,
        cache_write_1h_tokens=hour,
        service_tier=service_tier(report),
    )


def in_band(event: dict[str, Any]) -> ProviderError:
    """An error on HTTP 200: of the kind that the provider's rules know, else `in_band`."""
    error = fields_of(event)
    kind = ruled_kind(ANTHROPIC, IN_BAND_STATUS, error) or "in_band"
    return ProviderError(kind, f"{error.get('type')}: {error.get('message')}", status=IN_BAND_STATUS)
