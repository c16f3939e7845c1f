"""One reply under faults, without a socket, and what a tolerant reader finds in it.

The reader is independent of the product's codecs: it takes text wherever a provider may put it.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from mock_providers import Catalogue, Profile, load_profile, parse_faults
from mock_providers.endpoints import Decision
from mock_providers.exchange.draws import Draws
from mock_providers.exchange.received import Instant, Received
from mock_providers.faults import KINDS
from mock_providers.server.service import Service

Fault = dict[str, Any]
Json = dict[str, Any]
PROTOCOLS = ("openai", "anthropic", "gemini")
MODELS = {"openai": "gpt-4o", "anthropic": "claude-sonnet-4-5", "gemini": "gemini-2.5-flash"}
PROFILE = load_profile("observed")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
NAMES = ("get_weather", "read_clock")
CALLS = "get_weather and read_clock!"
TEXT = "Tell me, in many scripts, in about 30 tokens."


def variants(kind: str) -> tuple[str, ...]:
    """All variants of a kind of fault."""
    return get_args(KINDS[kind].model_fields["variant"].annotation)


def variant_faults(*kinds: str) -> list[Fault]:
    """Every variant of these kinds."""
    return [{"kind": kind, "variant": variant} for kind in kinds for variant in variants(kind)]


@dataclass(frozen=True, slots=True)
class Answered:
    """A decision, and the bytes of its reply."""

    provider: str
    stream: bool
    decision: Decision
    raw: bytes

    @property
    def objects(self) -> list[Json]:
        """The JSON objects of the stream, or the whole reply."""
        if not self.stream:
            return [json.loads(self.raw)]
        lines = re.split(rb"\r?\n", self.raw)
        data = [line[5:].strip() for line in lines if line.startswith(b"data:")]
        return [json.loads(each) for each in data if each.startswith(b"{")]

    @property
    def text(self) -> str:
        """All words for the user."""
        return "".join(text for each in self.objects for text in _texts(each))

    @property
    def calls(self) -> list[tuple[str, Json]]:
        """The tools that are called, with their arguments."""
        return list(_CALLS[self.provider](self.objects))

    @property
    def cost_nusd(self) -> int:
        """The bill of the whole reply."""
        plan, price = self.decision.plan, self.decision.price
        assert price is not None
        return price.cost_nusd(plan, plan.output_tokens)


def answered(
    provider: str,
    *faults: Fault,
    stream: bool = True,
    prompt: str = TEXT,
    tools: bool = False,
    profile: Profile = PROFILE,
    model: str = "",
    **more: Any,
) -> Answered:
    """The reply of one provider under these faults; `more`: further fields of the request."""
    service, decision = _decided(provider, faults, stream, prompt, tools, profile, model, more)
    return Answered(provider, stream, decision, _raw(service, decision))


def decided(provider: str, *faults: Fault) -> Decision:
    """The decision about a whole reply to a short prompt."""
    return _decided(provider, faults, False, "Hi", False, PROFILE, "", {})[1]


def _decided(
    provider: str,
    faults: Sequence[Fault],
    stream: bool,
    prompt: str,
    tools: bool,
    profile: Profile,
    model: str,
    more: Json,
) -> tuple[Service, Decision]:
    service = Service(provider, profile, Catalogue(()), Draws(5))
    path, body = _request(provider, model or MODELS[provider], stream, prompt, tools)
    path, _, query = path.partition("?")
    headers = {b"authorization": b"Bearer k", b"x-goog-api-key": b"k", b"anthropic-version": b"2026-10-21"}
    parameters = {"alt": "sse"} if query else {}
    received = Received("POST", path, headers, parameters, json.dumps({**body, **more}).encode())
    schedule = parse_faults(list(faults), profile)
    return service, service.decide(service.arrival(received), received, schedule, Instant(0.0, 0.0, 1.8e9))


def _raw(service: Service, decision: Decision) -> bytes:
    plan = decision.plan
    if plan.problem is not None:
        return service.dialect.error_body(plan.problem, "req_1")
    assert decision.rendering is not None
    if not decision.info.stream:
        return decision.rendering.body(plan)
    frames = decision.rendering.frames(plan)
    parts = [frames.head, *map(frames.piece, plan.to_send), frames.finish]
    return b"".join(parts) + (b"" if plan.finished else frames.tail)


def _request(provider: str, model: str, stream: bool, prompt: str, tools: bool) -> tuple[str, Json]:
    if provider == "gemini":
        body: Json = {"contents": [{"role": "user", "parts": [{"text": prompt}]}]}
        if tools:
            declared = [{"name": name, "parameters": SCHEMA} for name in NAMES]
            body["tools"] = [{"functionDeclarations": declared}]
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/v1beta/models/{model}:{method}", body
    body = {"model": model, "messages": [{"role": "user", "content": prompt}], "stream": stream}
    if provider == "anthropic":
        body["max_tokens"] = 1000
        if tools:
            body["tools"] = [{"name": name, "input_schema": SCHEMA} for name in NAMES]
        return "/v1/messages", body
    if stream:
        body["stream_options"] = {"include_usage": True}
    if tools:
        functions = [{"name": name, "parameters": SCHEMA} for name in NAMES]
        body["tools"] = [{"type": "function", "function": function} for function in functions]
    return "/v1/chat/completions", body


def _texts(data: Json) -> Iterator[str]:
    for choice in data.get("choices") or ():
        content = (choice.get("delta") or choice.get("message") or {}).get("content")
        yield from [content] if isinstance(content, str) else [part["text"] for part in content or ()]
    for candidate in data.get("candidates") or ():
        for part in candidate.get("content", {}).get("parts", ()):
            if not part.get("thought"):
                yield part.get("text", "")
    blocks = [*data.get("content", ()), *data.get("message", {}).get("content", ())]
    for block in [*blocks, data.get("content_block", {}), data.get("delta", {})]:
        yield block.get("text", "")


def _openai_calls(objects: list[Json]) -> Iterator[tuple[str, Json]]:
    """Deltas belong together by id where they have one, else by index."""
    names: dict[Any, str] = {}
    arguments: dict[Any, str] = {}
    by_index: dict[int, str] = {}
    for data in objects:
        for choice in data.get("choices") or ():
            for call in (choice.get("delta") or choice.get("message") or {}).get("tool_calls") or ():
                key = call.get("id") or by_index[call["index"]]
                by_index[call.get("index", -1)] = key
                function = call["function"]
                names[key] = names.get(key) or function.get("name") or ""
                arguments[key] = arguments.get(key, "") + (function["arguments"] or "")
    return ((names[key], json.loads(arguments[key] or "{}")) for key in names)


def _anthropic_calls(objects: list[Json]) -> Iterator[tuple[str, Json]]:
    started: dict[int, Json] = {}
    deltas: dict[int, str] = {}
    for data in objects:
        started |= dict(enumerate(data.get("content", ())))
        if "content_block" in data:
            started[data["index"]] = data["content_block"]
        if "partial_json" in data.get("delta", {}):
            deltas[data["index"]] = deltas.get(data["index"], "") + data["delta"]["partial_json"]
    for nth, block in started.items():
        if block["type"] == "tool_use":
            yield block["name"], json.loads(deltas.get(nth, "") or "null") or block["input"] or {}


def _gemini_calls(objects: list[Json]) -> Iterator[tuple[str, Json]]:
    for data in objects:
        for candidate in data.get("candidates") or ():
            for part in candidate.get("content", {}).get("parts", ()):
                if "functionCall" in part:
                    yield part["functionCall"]["name"], part["functionCall"].get("args", {})


_CALLS = {"openai": _openai_calls, "anthropic": _anthropic_calls, "gemini": _gemini_calls}
