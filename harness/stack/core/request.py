"""A chat request in one shape for every provider: everything that can change the answer, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from hashlib import sha256
from typing import Any, Literal

import orjson

from .media.media import Media
from .parameters import HINTS
from .reply import ToolCall

Role = Literal["system", "user", "assistant", "tool"]

NOT_IN_DIGEST = HINTS | {"stream"}
"""All that cannot change a request's answer: the parameters that are hints, and `stream`, since streamed or
whole, the words are the same. Everything else is part of the digest.
"""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call; `parameters` is the JSON schema of its arguments.

    `strict` asks the provider to enforce that schema.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the conversation: text, and the images, recordings and files in it.

    An assistant's turn may call tools (`tool_calls`); a turn of role "tool" is the result of the tool call
    `tool_call_id`. `name` tells participants of one role apart.
    """

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""
    media: tuple[Media, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """The content of a call.

    `model` is the model that the caller named ("" for none); targets decide which model answers.
    `tool_choice` is "auto", "none", "required" or the name of the one tool to call. `json_schema` asks for a
    reply in JSON: `{}` for any object, otherwise an instance of that schema, enforced by the provider if
    `json_strict` and if it can; `json_name` and `json_description` are what the caller calls it. `prefill` is
    the beginning of the reply, written elsewhere: the provider goes on from there. `parameters` are all
    further parameters by OpenAI's names (`parameters.py`), without those that say nothing.
    """

    messages: tuple[Message, ...] = ()
    model: str = ""
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    parallel_tool_calls: bool = True
    json_schema: Mapping[str, Any] | None = None
    json_strict: bool = False
    json_name: str = ""
    json_description: str = ""
    prefill: str = ""
    stream: bool = True
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def digest(self) -> bytes:
        """SHA-256 of every field that is not in `NOT_IN_DIGEST`: equal requests have equal digests.

        A new field or parameter is part of it by construction.
        """
        shaping = {name: self.parameters[name] for name in sorted(self.parameters.keys() - NOT_IN_DIGEST)}
        return sha256(orjson.dumps([*[getattr(self, name) for name in _DIGESTED], shaping])).digest()


_DIGESTED = tuple(each.name for each in fields(Request) if each.name not in {*NOT_IN_DIGEST, "parameters"})
