"""OpenAI's chat completions, and Together's, which are shaped like them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from ..call import Call
from ..errors import ProviderError
from ..reply import Delta, Event, Finish, Usage
from .codec import StreamDecoder, WireRequest
from .reading import (
    SURPRISES,
    error_fields,
    http_error,
    kind_of_status,
    load_json,
    said,
    surprise,
    tokens,
    words,
)
from .sse import SSEParser

QUOTA_CODES = ("insufficient_quota", "billing_hard_limit_reached")


@dataclass(frozen=True, slots=True)
class OpenAICodec:
    """`max_stop` is how many stop sequences the provider takes."""

    max_stop: int = 4

    def request(self, call: Call, api_key: str) -> WireRequest:
        target = call.addressed_to
        body: dict[str, Any] = {
            "model": target.model,
            "messages": [{"role": m.role, "content": m.content} for m in call.messages],
        }
        if call.prefill:
            body["messages"].append({"role": "assistant", "content": call.prefill})
        if call.max_tokens is not None:
            body["max_tokens"] = min(call.max_tokens, target.max_output_tokens)
        if call.temperature is not None:
            body["temperature"] = call.temperature
        if call.top_p is not None:
            body["top_p"] = call.top_p
        if call.stop:
            body["stop"] = list(call.stop[: self.max_stop])
        if call.stream:
            body["stream"] = True
            body["stream_options"] = {"include_usage": True}
        return WireRequest("/chat/completions", {"authorization": f"Bearer {api_key}"}, orjson.dumps(body))

    def decoder(self) -> StreamDecoder:
        return OpenAIStream()

    def parse(self, body: bytes) -> list[Event]:
        reply = load_json(body, "the reply")
        if "error" in reply:
            raise _in_band(reply)
        try:
            choice = reply["choices"][0]
            text = words(choice["message"]["content"])
            finish = Finish(words(choice.get("finish_reason")) or "stop", _usage(reply.get("usage")))
        except SURPRISES as error:
            raise surprise("the reply", error) from error
        return [Delta(text), finish] if text else [finish]

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        error = error_fields(body)
        code, kind = error.get("code"), kind_of_status(status)
        if status == 429 and (code in QUOTA_CODES or error.get("type") in QUOTA_CODES):
            kind = "quota_exhausted"
        elif code == "context_length_exceeded":
            kind = "context_length"
        return http_error(kind, status, headers, error)

    def reserved_tokens(self, input_tokens: int, max_tokens: int) -> int:
        return max(input_tokens, max_tokens)


class OpenAIStream:
    """One chat completion stream. `[DONE]` is the terminal event; usage may come in any chunk before it."""

    def __init__(self) -> None:
        self._sse = SSEParser()
        self._reason: str | None = None
        self._usage: Usage | None = None
        self._done = False

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
                    raise _in_band(chunk)
                try:
                    self._take(chunk, events)
                except SURPRISES as error:
                    raise surprise("a chunk", error) from error
        return events

    def _take(self, chunk: dict[str, Any], events: list[Event]) -> None:
        if chunk.get("usage"):
            self._usage = _usage(chunk["usage"])
        if not chunk["choices"]:
            return
        choice = chunk["choices"][0]
        text = words(choice["delta"].get("content"))
        if text:
            events.append(Delta(text))
        self._reason = words(choice.get("finish_reason")) or self._reason

    def _finish(self, events: list[Event]) -> None:
        if self._reason is None:
            raise ProviderError("truncated", "the stream said [DONE] without a finish_reason")
        self._done = True
        events.append(Finish(self._reason, self._usage))

    def end(self) -> None:
        if not self._done:
            raise ProviderError("truncated", "the stream ended without [DONE]")


def _usage(usage: Any) -> Usage | None:
    if usage is None:
        return None
    details = usage.get("prompt_tokens_details") or {}
    return Usage(
        input_tokens=tokens(usage, "prompt_tokens"),
        output_tokens=tokens(usage, "completion_tokens"),
        cached_input_tokens=tokens(details, "cached_tokens") if details.get("cached_tokens") else 0,
    )


def _in_band(chunk: dict[str, Any]) -> ProviderError:
    error = chunk["error"] if isinstance(chunk["error"], dict) else {"message": str(chunk["error"])}
    return ProviderError("in_band", said(error, 200), status=200)
