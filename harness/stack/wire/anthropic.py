"""Anthropic's messages: the system prompt apart, max_tokens required, sampling parameters refused.

Version 2026-10-21 answers 400 to `temperature`, `top_p` and `top_k`, so a call that falls back to here leaves
them behind.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import orjson

from ..call import Call, Message
from ..errors import ProviderError
from ..reply import Delta, Event, Finish, Usage
from .codec import StreamDecoder, WireRequest
from .reading import error_fields, kind_of_status, load_json, pick, retry_after_s, should_retry
from .sse import SSEParser

VERSION = "2026-10-21"
FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


@dataclass(frozen=True, slots=True)
class AnthropicCodec:
    """`default_max_tokens` is sent when the caller set no limit: this protocol demands one."""

    default_max_tokens: int = 4096

    def request(self, call: Call, api_key: str) -> WireRequest:
        target = call.addressed_to
        system = "\n\n".join(m.content for m in call.messages if m.role == "system")
        body: dict[str, Any] = {
            "model": target.model,
            "max_tokens": min(call.max_tokens or self.default_max_tokens, target.max_output_tokens),
            "messages": _turns(call.messages),
        }
        if system:
            body["system"] = system
        if call.stop:
            body["stop_sequences"] = [stop for stop in call.stop if stop.strip()]
        if call.stream:
            body["stream"] = True
        headers = {"authorization": f"Bearer {api_key}", "anthropic-version": VERSION}
        return WireRequest("/v1/messages", headers, orjson.dumps(body))

    def decoder(self) -> StreamDecoder:
        return AnthropicStream()

    def parse(self, body: bytes) -> list[Event]:
        reply = load_json(body, "the reply")
        if reply.get("type") == "error":
            raise _in_band(reply)
        blocks = pick(reply, "content", what="the reply")
        text = "".join(block.get("text", "") for block in blocks if block.get("type") == "text")
        usage = pick(reply, "usage", what="the reply")
        finish = Finish(
            _reason(pick(reply, "stop_reason", what="the reply")),
            _usage(usage, pick(usage, "output_tokens", what="usage")),
        )
        return [Delta(text), finish] if text else [finish]

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        error = error_fields(body)
        kind = kind_of_status(status)
        details = error.get("details") or {}
        if status == 429 and details.get("error_code") == "enforced_spend_limit_reached":
            kind = "quota_exhausted"
        elif status == 400 and "prompt is too long" in str(error.get("message")):
            kind = "context_length"
        return ProviderError(
            kind,
            error.get("message") or f"HTTP {status}",
            status=status,
            retry_after_s=retry_after_s(headers),
            retryable=should_retry(headers),
        )

    def reserved_tokens(self, input_tokens: int, max_tokens: int) -> int:
        return input_tokens


class AnthropicStream:
    """One messages stream. Input usage comes first, output usage last, `message_stop` ends it."""

    def __init__(self) -> None:
        self._sse = SSEParser()
        self._start_usage: dict[str, Any] = {}
        self._output_tokens: int | None = None
        self._reason: str | None = None
        self._done = False

    def feed(self, chunk: bytes) -> list[Event]:
        events: list[Event] = []
        for name, data in self._sse.feed(chunk):
            if self._done:
                break
            self._take(name, load_json(data, "an event"), events)
        return events

    def _take(self, name: bytes, event: dict[str, Any], events: list[Event]) -> None:
        if name == b"content_block_delta":
            delta = pick(event, "delta", what="content_block_delta")
            if delta.get("type") == "text_delta" and delta.get("text"):
                events.append(Delta(delta["text"]))
        elif name == b"message_start":
            self._start_usage = pick(event, "message", "usage", what="message_start")
        elif name == b"message_delta":
            self._reason = pick(event, "delta", "stop_reason", what="message_delta")
            self._output_tokens = pick(event, "usage", "output_tokens", what="message_delta")
        elif name == b"message_stop":
            self._finish(events)
        elif name == b"error":
            raise _in_band(event)

    def _finish(self, events: list[Event]) -> None:
        if self._reason is None or self._output_tokens is None:
            raise ProviderError("truncated", "message_stop came without message_delta")
        self._done = True
        events.append(Finish(_reason(self._reason), _usage(self._start_usage, self._output_tokens)))

    def end(self) -> None:
        if not self._done:
            raise ProviderError("truncated", "the stream ended without message_stop")


def _turns(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    """User and assistant turns, neighbours of one role joined: the protocol wants them to alternate."""
    spoken = [message for message in messages if message.role != "system"]
    return [
        {"role": role, "content": "\n\n".join(message.content for message in turn)}
        for role, turn in groupby(spoken, key=lambda message: message.role)
    ]


def _reason(stop_reason: str | None) -> str:
    return FINISH_REASONS.get(stop_reason or "", "stop")


def _usage(start: dict[str, Any], output_tokens: int) -> Usage:
    read = start.get("cache_read_input_tokens") or 0
    written = start.get("cache_creation_input_tokens") or 0
    fresh = pick(start, "input_tokens", what="usage")
    return Usage(fresh + read + written, output_tokens, cached_input_tokens=read)


def _in_band(event: dict[str, Any]) -> ProviderError:
    error = event.get("error") or {}
    return ProviderError("in_band", f"{error.get('type')}: {error.get('message')}", status=200)
