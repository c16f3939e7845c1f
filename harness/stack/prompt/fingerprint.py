"""What a prompt begins with, as digests: equal digests, equal beginnings.

Three beginnings are shared: the tools; tools and system prompt, by all calls that are asked for in the same
words; and the conversation so far, by the turns of one session. A session is known by how it began: tools,
system prompt and the first turn, which all its turns repeat.
"""

from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from ..core.call import Call
from ..core.tokens import call_tokens, prompt_tokens


class Sight(NamedTuple):
    """The digests of a prompt's beginnings ("" digest: it has none), their tokens, and the turn it is at:
    how often the assistant has spoken.
    """

    tools: bytes
    shared: bytes
    session: bytes
    tools_tokens: int
    shared_tokens: int
    tokens: int
    turn: int


def sight(call: Call) -> Sight:
    """The beginnings of a call's prompt."""
    tools = _digest([[tool.name, tool.description, tool.parameters] for tool in call.request.tools])
    system = [turn for turn in call.request.messages if turn.role == "system"]
    opening = next((turn for turn in call.request.messages if turn.role != "system"), None)
    asked = tools + _digest([[turn.content for turn in system], call.request.json_schema])
    shared = _digest_of(asked) if call.request.tools or system else b""
    tools_tokens = 0
    if call.request.tools:
        tools_tokens = call_tokens(call.with_request(messages=(), prefill="", json_schema=None))
    return Sight(
        tools=tools if call.request.tools else b"",
        shared=shared,
        session=_digest_of(asked + _digest([opening.role, opening.content] if opening else [])),
        tools_tokens=tools_tokens,
        shared_tokens=tools_tokens + prompt_tokens(system) if system else tools_tokens,
        tokens=call_tokens(call.with_request(prefill="") if call.request.prefill else call),
        turn=sum(turn.role == "assistant" for turn in call.request.messages),
    )


def _digest(value: list[Any]) -> bytes:
    return _digest_of(orjson.dumps(value))


def _digest_of(text: bytes) -> bytes:
    return blake2b(text, digest_size=16).digest()
