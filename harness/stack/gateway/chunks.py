"""Writes OpenAI chat completions: events and answers as bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from ..core.reply import Answer, Finish, ToolCall, ToolDelta, Usage


@dataclass(frozen=True, slots=True)
class Identity:
    """The fields that every chunk of a reply repeats."""

    id: str
    created: int
    model: str

    def envelope(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


class ChunkWriter:
    """Writes one stream. A content chunk is a prepared prefix, the text, and a prepared suffix."""

    def __init__(self, identity: Identity, *, include_usage: bool) -> None:
        self._identity = identity
        self._include_usage = include_usage
        marker = self._chunk({"content": "\x00"}, None)
        self._prefix, self._suffix = marker.split(orjson.dumps("\x00"))

    def role(self, *, text: bool = True) -> bytes:
        """The chunk that opens the stream; a reply that begins with a tool call has no text yet."""
        return self._chunk({"role": "assistant", "content": "" if text else None, "refusal": None}, None)

    def text(self, text: str) -> bytes:
        """One content chunk."""
        return self._prefix + orjson.dumps(text) + self._suffix

    def thought(self, text: str) -> bytes:
        """Reasoning, in the field of DeepSeek and vLLM."""
        return self._chunk({"reasoning_content": text}, None)

    def tool(self, piece: ToolDelta) -> bytes:
        """One piece of a tool call."""
        call: dict[str, Any] = {"index": piece.index}
        function = {"arguments": piece.arguments}
        if piece.id:
            call |= {"id": piece.id, "type": "function"}
            function = {"name": piece.name} | function
        return self._chunk({"tool_calls": [call | {"function": function}]}, None)

    def finish(self, finish: Finish) -> bytes:
        """The finish chunk, and the usage chunk if requested and known."""
        written = self._chunk({}, finish.reason)
        if self._include_usage and finish.usage is not None:
            envelope = self._identity.envelope("chat.completion.chunk")
            written += _data(envelope | {"choices": []} | _billing(finish.usage))
        return written

    def _chunk(self, delta: dict[str, Any], reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        chunk = self._identity.envelope("chat.completion.chunk") | {"choices": [choice]}
        return _data(chunk | {"usage": None} if self._include_usage else chunk)


def completion(identity: Identity, answer: Answer) -> bytes:
    """A whole JSON reply."""
    content = None if answer.tool_calls and not answer.text else answer.text
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None, "annotations": []}
    if answer.thought:
        message["reasoning_content"] = answer.thought
    if answer.tool_calls:
        message["tool_calls"] = _tool_calls(answer.tool_calls)
    finish = answer.finish
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish.reason}
    reply = identity.envelope("chat.completion") | {"choices": [choice]}
    return orjson.dumps(reply if finish.usage is None else reply | _billing(finish.usage))


def _tool_calls(calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
    return [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in calls
    ]


def usage_json(usage: Usage) -> dict[str, Any]:
    """Usage in OpenAI's format. `cache_write_1h_tokens`, a part of `cache_write_tokens`, is an extension."""
    written = usage.cache_write_tokens + usage.cache_write_1h_tokens
    prompt = {"cached_tokens": usage.cached_input_tokens, "cache_write_tokens": written, "audio_tokens": 0}
    if usage.cache_write_1h_tokens:
        prompt["cache_write_1h_tokens"] = usage.cache_write_1h_tokens
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _billing(usage: Usage) -> dict[str, Any]:
    """The fields of a reply or of a chunk that say what is billed."""
    billing = {"usage": usage_json(usage)}
    return billing | {"service_tier": usage.service_tier} if usage.service_tier else billing


def error_json(kind: str, code: str, message: str, param: str | None = None) -> bytes:
    """An error body, which is also the payload of an in-band error event."""
    return orjson.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}})


def comment(text: bytes) -> bytes:
    """An SSE comment line, which SSE parsers skip."""
    return b": " + text + b"\n\n"


def data(payload: bytes) -> bytes:
    """One SSE event."""
    return b"data: " + payload + b"\n\n"


def _data(chunk: dict[str, Any]) -> bytes:
    return data(orjson.dumps(chunk))


DONE = b"data: [DONE]\n\n"
