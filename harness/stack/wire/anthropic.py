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
from .reading import (
    SURPRISES,
    error_fields,
    http_error,
    kind_of_status,
    load_json,
    surprise,
    tokens,
    words,
)
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
            "messages": _turns(call.messages, call.prefill.rstrip()),
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
        try:
            blocks = [block for block in reply["content"] if block["type"] == "text"]
            text = "".join(words(block["text"]) for block in blocks)
            usage = reply["usage"]
            finish = Finish(_reason(reply["stop_reason"]), _usage(usage, tokens(usage, "output_tokens")))
        except SURPRISES as error:
            raise surprise("the reply", error) from error
        return [Delta(text), finish] if text else [finish]

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        error = error_fields(body)
        kind = kind_of_status(status)
        details = error.get("details")
        spent = isinstance(details, dict) and details.get("error_code") == "enforced_spend_limit_reached"
        if status == 429 and spent:
            kind = "quota_exhausted"
        elif status == 400 and "prompt is too long" in str(error.get("message")):
            kind = "context_length"
        return http_error(kind, status, headers, error)

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
            delta = event["delta"]
            if delta["type"] == "text_delta" and words(delta["text"]):
                events.append(Delta(delta["text"]))
        elif name == b"message_start":
            self._start_usage = event["message"]["usage"]
        elif name == b"message_delta":
            self._reason = words(event["delta"]["stop_reason"])
            self._output_tokens = tokens(event["usage"], "output_tokens")
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


def _turns(messages: tuple[Message, ...], prefill: str) -> list[dict[str, str]]:
    """User and assistant turns, neighbours of one role joined: the protocol wants them to alternate.

    A last turn of the assistant is the beginning of the reply; it may not end in white space.
    """
    spoken = [message for message in messages if message.role != "system"]
    if prefill:
        spoken.append(Message("assistant", prefill))
    return [
        {"role": role, "content": "\n\n".join(message.content for message in turn)}
        for role, turn in groupby(spoken, key=lambda message: message.role)
    ]


def _reason(stop_reason: str | None) -> str:
    return FINISH_REASONS.get(words(stop_reason), "stop")


def _usage(start: dict[str, Any], output_tokens: int) -> Usage:
    read, written = (
        tokens(start, key) if start.get(key) else 0
        for key in ("cache_read_input_tokens", "cache_creation_input_tokens")
    )
    return Usage(tokens(start, "input_tokens") + read + written, output_tokens, cached_input_tokens=read)


def _in_band(event: dict[str, Any]) -> ProviderError:
    error = event["error"] if isinstance(event.get("error"), dict) else {}
    return ProviderError("in_band", f"{error.get('type')}: {error.get('message')}", status=200)
