"""Decodes OpenAI's stream chunks and whole replies: strict about words, tolerant about the rest.

Words are the text, the refusal and the tool calls of the first choice. A field that no word depends on may be
missing or odd; a word that cannot be read is an error.
"""

from collections.abc import Mapping
from typing import Any

from ...core.errors import ProviderError
from ...core.reply import FILTERED, Delta, Event, Finish, ToolDelta, Usage, after_thought
from ..reading import (
    SHAPE_ERRORS,
    arguments_text,
    is_done,
    is_json,
    list_of,
    load_event,
    message_of,
    object_of,
    optional_text,
    reason_text,
    required_name,
    shape_error,
    text_of,
)
from ..refusal_rules import COMPATIBLE, IN_BAND_STATUS, OPENAI, TOGETHER
from ..refusals import BROKEN, broken, fields_of, ruled_kind
from ..sse import ServerSentEvent, SSEParser
from ..usage import merged, optional_tokens, plausible, service_tier, tokens
from .tools import ToolCalls

RULES = (*OPENAI, *TOGETHER, *COMPATIBLE)
"""The refusals of OpenAI and of the servers that speak its protocol."""
FINISH_REASONS = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "length": "length",
    "max_tokens": "length",
    "function_call": "tool_calls",
    "safety": FILTERED,
    "recitation": FILTERED,
    "sensitive": FILTERED,
    "prohibited_content": FILTERED,
}
"""Other servers' words for OpenAI's finish reasons: Together, Gemini and Zhipu."""


class OpenAIStream:
    """One chat completion stream. `[DONE]` is the terminal event; usage may come in any chunk before it."""

    def __init__(self) -> None:
        self.signs = 0
        self.service_tier = ""
        self._sse = SSEParser()
        self._reason = ""
        self._usage: Mapping[str, Any] = {}
        self._calls = ToolCalls()
        self._thought = ""
        self._counted = False
        self._wrote = False
        self._refused = False
        self._done = False
        self._error: ProviderError | None = None

    @property
    def reported_usage(self) -> Usage | None:
        """The usage, once it was sent."""
        return plausible(usage_of(self._usage, self.service_tier), wrote=False)

    @property
    def finished(self) -> bool:
        return bool(self._reason)

    def feed(self, received: bytes) -> list[Event]:
        return self._read(self._sse.feed(received))

    def flush(self) -> list[Event]:
        return self._read([last for last in self._sse.flush() if is_done(last.data) or is_json(last.data)])

    def whole(self) -> Finish | None:
        """Usage that was reported before the finish reason alone is not the whole reply's."""
        return self._terminal(counted=self._counted)

    def end(self) -> None:
        if self._error is not None:
            raise self._error
        if not self._done:
            raise ProviderError("truncated", "the stream ended without [DONE]")

    def _read(self, received: list[ServerSentEvent]) -> list[Event]:
        events: list[Event] = []
        if self._error is not None and received:
            raise self._error
        for name, data in received:
            if self._done:
                break
            self.signs += 1
            try:
                self._take(name, data, events)
            except ProviderError as error:
                if not events:
                    raise
                self._error = error
                break
        return events

    def _take(self, name: bytes, data: bytes, events: list[Event]) -> None:
        if data[:1] == b"[" and is_done(data):
            events.append(self._finish())
            return
        chunk = load_event(name, data, "a chunk")
        text = "" if name else text_alone(chunk)
        if text:
            events.append(Delta(text, self._thought))
            self._thought = ""
            self._wrote = True
            return
        before = len(events)
        try:
            self._take_chunk(chunk, events)
        except SHAPE_ERRORS as error:
            raise shape_error("a chunk", error) from error
        if self._thought and len(events) > before:
            events[before] = after_thought(events[before], self._thought)
            self._thought = ""
        if is_error(chunk) or name == b"error":
            raise in_band(chunk)

    def _take_chunk(self, chunk: dict[str, Any], events: list[Event]) -> None:
        self._take_choice(chunk, events)
        self.service_tier = service_tier(chunk) or self.service_tier
        if chunk.get("usage"):
            self._usage = merged(self._usage, chunk["usage"])
            self._counted = bool(self._reason)

    def _take_choice(self, chunk: dict[str, Any], events: list[Event]) -> None:
        choices = chunk.get("choices")
        if not choices:
            return
        choice = object_of(list_of(choices)[0])
        delta = choice.get("delta")
        if delta is None:
            delta = self._elsewhere(choice)
        if delta:
            self._take_delta(object_of(delta), chunk, events)
        self._wrote = self._wrote or bool(events)
        reason = reason_text(choice.get("finish_reason"))
        if reason in BROKEN and not is_error(chunk):
            raise broken(reason)
        self._reason = self._reason if reason in ("", *BROKEN) else reason

    def _elsewhere(self, choice: Mapping[str, Any]) -> Any:
        """The words of a choice without a delta: a whole message, unless it repeats words, or a text."""
        message = None if self._wrote else choice.get("message")
        return message or {"content": choice.get("text")}

    def _take_delta(self, delta: Mapping[str, Any], chunk: Mapping[str, Any], events: list[Event]) -> None:
        self._thought += thought_of(delta)
        text = delta.get("content")
        if type(text) is not str:
            text = text_of(text)
        if text:
            events.append(Delta(text))
        if delta.get("refusal"):
            self._refused = True
            events.append(Delta(optional_text(delta["refusal"])))
        for piece in delta.get("tool_calls") or ():
            call = self._calls.take(object_of(piece), reason_text(chunk.get("id")))
            if call is not None:
                events.append(call)

    def _finish(self) -> Finish:
        finish = self._terminal(counted=True)
        if finish is None:
            raise ProviderError("truncated", "the stream sent [DONE] without a finish_reason")
        return finish

    def _terminal(self, *, counted: bool) -> Finish | None:
        if self._done or not self._reason:
            return None
        self._done = True
        reason = reason_of(self._reason, calls=bool(self._calls), refused=self._refused)
        return Finish(
            reason,
            plausible(usage_of(self._usage, self.service_tier), wrote=self._wrote) if counted else None,
        )


def events_of(reply: dict[str, Any]) -> list[Event]:
    """A whole reply's events. Raises one of `SHAPE_ERRORS` if its shape is wrong, `ProviderError` if it
    finished with an error.
    """
    choice = object_of(reply["choices"][0])
    message = object_of(choice.get("message"))
    reason = reason_text(choice.get("finish_reason")) or "stop"
    if reason in BROKEN:
        raise broken(reason)
    refusal = optional_text(message.get("refusal"))
    text = text_of(message.get("content")) + refusal
    events: list[Event] = [Delta(text)] if text else []
    calls = list_of(message.get("tool_calls"))
    events += [_whole_call(nth, object_of(call), reply) for nth, call in enumerate(calls)]
    if events:
        events[0] = after_thought(events[0], thought_of(message))
    usage = plausible(usage_of(merged({}, reply.get("usage")), service_tier(reply)), wrote=bool(events))
    return [*events, Finish(reason_of(reason, calls=bool(calls), refused=bool(refusal)), usage)]


def thought_of(message: Mapping[str, Any]) -> str:
    """The reasoning in a message or a delta, "" without any; servers have two names for it.

    `reasoning_content`: DeepSeek, vLLM; `reasoning`: OpenRouter, newer vLLM. Source: openclaw#113323.
    """
    return reason_text(message.get("reasoning_content")) or reason_text(message.get("reasoning"))


def _whole_call(nth: int, call: Mapping[str, Any], reply: Mapping[str, Any]) -> ToolDelta:
    function = object_of(call.get("function"))
    id = optional_text(call.get("id")) or f"call_{reason_text(reply.get('id'))}_{nth}"
    return ToolDelta(nth, id, required_name(function.get("name")), arguments_text(function.get("arguments")))


def reason_of(reason: str, *, calls: bool, refused: bool = False) -> str:
    """The finish reason in OpenAI's terms; "tool_calls" also where OpenAI reports "stop" after a forced tool
    call, and "content_filter" after a refusal in words.
    """
    reason = FINISH_REASONS.get(reason.lower(), reason)
    if reason != "stop":
        return reason
    return FILTERED if refused else "tool_calls" if calls else reason


def usage_of(report: Mapping[str, Any], tier: str) -> Usage | None:
    """The usage in OpenAI's format, billed at the service tier `tier`; None unless it has both counts.

    `cache_write_1h_tokens` is our own gateway's extension: a part of `cache_write_tokens`.
    """
    input_tokens, output_tokens = tokens(report, "prompt_tokens"), tokens(report, "completion_tokens")
    if input_tokens is None or output_tokens is None:
        return None
    prompt, completion = report.get("prompt_tokens_details"), report.get("completion_tokens_details")
    written = optional_tokens(prompt, "cache_write_tokens")
    written_1h = min(written, optional_tokens(prompt, "cache_write_1h_tokens"))
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_input_tokens=optional_tokens(prompt, "cached_tokens"),
        cache_write_tokens=written - written_1h,
        cache_write_1h_tokens=written_1h,
        reasoning_tokens=optional_tokens(completion, "reasoning_tokens"),
        service_tier=tier,
    )


def text_alone(chunk: Mapping[str, Any]) -> str:
    """The text of a chunk that carries nothing else, as most do; "" for any other. A fast path."""
    try:
        choice = chunk["choices"][0]
        delta = choice["delta"]
        text = delta["content"]
    except SHAPE_ERRORS:
        return ""
    if type(text) is not str or len(delta) > 1 or choice.get("finish_reason") is not None:
        return ""
    if chunk.get("usage") or chunk.get("error") or chunk.get("object") == "error":
        return ""
    return text if chunk.get("service_tier") is None or not service_tier(chunk) else ""


def is_error(chunk: Mapping[str, Any]) -> bool:
    """Whether a chunk says that the reply failed: an error with a content, or vLLM's flat error object."""
    error = chunk.get("error")
    return any(error.values()) if isinstance(error, dict) else bool(error) or chunk.get("object") == "error"


def in_band(chunk: dict[str, Any]) -> ProviderError:
    """An error on HTTP 200: of the kind that the provider's rules know, else `in_band`."""
    error = fields_of(chunk)
    kind = ruled_kind(RULES, IN_BAND_STATUS, error) or "in_band"
    return ProviderError(kind, message_of(error, IN_BAND_STATUS), status=IN_BAND_STATUS)
