"""Digests of a prompt's prefixes: equal digests mean equal prefixes.

Three prefixes are shared between calls: the tools; tools and system prompt; and the conversation so far, by
the turns of one session. A session is identified by tools, system prompt and first turn, which all its turns
repeat.
"""

from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from ..core.call import Call
from ..core.tokens import call_tokens, prompt_tokens


class PromptFingerprint(NamedTuple):
    """Digests of a prompt's prefixes (b"" for a prefix it lacks) and their tokens; `turn` counts the messages
    of the assistant so far.
    """

    tools: bytes
    shared: bytes
    session: bytes
    tools_tokens: int
    shared_tokens: int
    tokens: int
    turn: int


def fingerprint(call: Call) -> PromptFingerprint:
    """The prefixes of a call's prompt."""
    tools = _digest([[tool.name, tool.description, tool.parameters] for tool in call.request.tools])
    system = [turn for turn in call.request.messages if turn.role == "system"]
    opening = next((turn for turn in call.request.messages if turn.role != "system"), None)
    base = tools + _digest([[turn.content for turn in system], call.request.json_schema])
    opened = [opening.role, opening.content, *opening.media] if opening else []
    shared = _digest_of(base) if call.request.tools or system else b""
    tools_tokens = 0
    if call.request.tools:
        tools_tokens = call_tokens(call.with_request(messages=(), prefill="", json_schema=None))
    return PromptFingerprint(
        tools=tools if call.request.tools else b"",
        shared=shared,
        session=_digest_of(base + _digest(opened)),
        tools_tokens=tools_tokens,
        shared_tokens=tools_tokens + prompt_tokens(system) if system else tools_tokens,
        tokens=call_tokens(call.with_request(prefill="") if call.request.prefill else call),
        turn=sum(turn.role == "assistant" for turn in call.request.messages),
    )


def _digest(value: list[Any]) -> bytes:
    return _digest_of(orjson.dumps(value))


def _digest_of(text: bytes) -> bytes:
    return blake2b(text, digest_size=16).digest()
