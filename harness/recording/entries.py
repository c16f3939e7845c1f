"""One exchange with a provider as an entry of a script."""

from dataclasses import dataclass
from typing import Any

from harness.stack import ProviderError
from harness.stack.assembly.providers import CODECS
from harness.stack.core.reply import Delta, Event, Finish, ToolDelta
from mock_providers.exchange import tokens
from mock_providers.exchange.request import Request
from mock_providers.scripts.selection import last_tool, last_words, turn_of

FINISHES = {"length": "length", "content_filter": "filtered"}
"""Finish reasons, in OpenAI's words, that the content alone does not tell; in a script's words."""
AT_ONCE_TOKENS_PER_S = 1e6
"""The pace of a reply that came in one piece."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A reply as it came: its status, its body, when its first word and its end came after the request."""

    protocol: str
    status: int
    streamed: bool
    body: bytes
    first_s: float
    end_s: float


def entry_of(request: Request, exchange: Exchange) -> dict[str, Any] | None:
    """The entry that answers this request with this reply, None for a reply that was not whole."""
    asked = _match_of(request)
    if not 200 <= exchange.status < 300:
        if exchange.status < 400:
            return None
        return {**asked, "first": 1, "fault": {"kind": "http_error", "status": exchange.status}}
    try:
        events = _events_of(exchange)
    except ProviderError:
        return None
    return {**asked, **_content_of(events), **_latency_of(events, exchange)}


def _match_of(request: Request) -> dict[str, Any]:
    """The fields that find this request again: a tool's result stands for the words before it."""
    match: dict[str, Any] = {"model": request.model, "turn": turn_of(request)}
    if words := last_words(request).strip():
        match["message"] = words
    if tool := last_tool(request):
        match["after_tool"] = tool
    return match


def _events_of(exchange: Exchange) -> list[Event]:
    """Raises ProviderError for a reply that is not whole."""
    codec = CODECS["anthropic" if exchange.protocol == "anthropic" else "openai"]
    if not exchange.streamed:
        return codec.parse(exchange.body)
    decoder = codec.decoder()
    events = decoder.feed(exchange.body) + decoder.flush()
    if not any(isinstance(event, Finish) for event in events):
        last = decoder.whole()
        events += [] if last is None else [last]
    decoder.end()
    return events


def _content_of(events: list[Event]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    text = "".join(event.text for event in events if isinstance(event, Delta))
    calls: dict[int, dict[str, Any]] = {}
    for event in events:
        if isinstance(event, ToolDelta):
            call = calls.setdefault(event.index, {"name": "", "arguments": ""})
            call["name"] += event.name
            call["arguments"] += event.arguments
    if text or not calls:
        content["text"] = text
    if calls:
        content["tool_calls"] = [calls[index] for index in sorted(calls)]
    reasons = [event.reason for event in events if isinstance(event, Finish)]
    if reasons and reasons[-1] in FINISHES:
        content["finish"] = FINISHES[reasons[-1]]
    return content


def _latency_of(events: list[Event], exchange: Exchange) -> dict[str, float]:
    """The time to the first word, and the pace in the mock's own tokens, to three digits."""
    texts = (event.text for event in events if isinstance(event, Delta))
    calls = (event.arguments for event in events if isinstance(event, ToolDelta))
    count = tokens.count("".join((*texts, *calls)))
    streaming_s = exchange.end_s - exchange.first_s
    paced = exchange.streamed and streaming_s > 0 and count > 1
    pace = count / streaming_s if paced else AT_ONCE_TOKENS_PER_S
    return {"ttft_s": float(f"{exchange.first_s:.3g}"), "tokens_per_s": float(f"{pace:.3g}")}
