"""A parsed request, the same for every protocol, and a provider's refusal of one."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, Self

import orjson

from . import tokens
from .media.media import Media, MediaKind

CacheTtl = Literal["5m", "1h"]


class ToolUse(NamedTuple):
    """A call of the tool `name` in a conversation; `id`: the name by which results refer to it."""

    name: str
    id: str = ""


class ToolResult(NamedTuple):
    """The result of the call with this id; `failed`: the tool reports an error."""

    call: str
    failed: bool = False


class Part(NamedTuple):
    """One content block of a message; `cache`: a prompt cache breakpoint follows it.

    `about`: the tool call, the result or the media that the block is (default: none of them).
    """

    text: str
    cache: CacheTtl | None = None
    about: ToolUse | ToolResult | Media | None = None


@dataclass(frozen=True)
class Message:
    """One message of a prompt, as its content blocks.

    Roles: "tools" (the definitions of all tools, as JSON), "system", "user", "assistant", "tool".
    """

    role: str
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, role: str, text: str) -> Self:
        """A message of one block."""
        return cls(role, (Part(text),))

    @cached_property
    def text(self) -> str:
        """The blocks without media, joined by line breaks."""
        if len(self.parts) == 1:
            return self.parts[0].text
        return "\n".join(part.text for part in self.parts if not isinstance(part.about, Media))

    @property
    def media(self) -> tuple[Media, ...]:
        """The images, audio, videos and documents."""
        return tuple(part.about for part in self.parts if isinstance(part.about, Media))

    @cached_property
    def tokens(self) -> int:
        """Tokens of the text and the media, without those of a message as such."""
        return tokens.count(self.text) + sum(media.tokens for media in self.media)

    @property
    def words(self) -> str:
        """The text without tool calls and results."""
        return "\n".join(part.text for part in self.parts if part.about is None)

    @property
    def calls(self) -> tuple[ToolUse, ...]:
        """The tool calls of an assistant message."""
        return tuple(part.about for part in self.parts if isinstance(part.about, ToolUse))

    @property
    def results(self) -> tuple[ToolResult, ...]:
        """The results of tool calls; a user message may have both results and words."""
        return tuple(part.about for part in self.parts if isinstance(part.about, ToolResult))


class Tool(NamedTuple):
    """A tool that the model may call.

    - `schema`: the JSON schema of its arguments
    - `free_text`: it takes any text instead (default: it takes arguments)
    """

    name: str
    schema: Mapping[str, Any]
    free_text: bool = False


class Thinking(NamedTuple):
    """The reasoning that a request asks for.

    - `effort`: "none", "minimal", "low", "medium", "high", "xhigh" or "max"; "": the request states none
    - `most`: the most tokens of it; None: no bound
    - `shown`: whether its text is in the reply; None: as the model does
    """

    effort: str = ""
    most: int | None = None
    shown: bool | None = None


UNASKED = Thinking()
"""The request says nothing about reasoning."""


@dataclass(frozen=True)
class Request:
    """One parsed request for a reply.

    - `messages`: in order; tools are a message of their own in front, a system prompt the next, so that the
      same prompt counts the same in every protocol
    - `digest`: of all fields that determine the reply except the model (16 hex digits)
    - `says_max_tokens`: the limit has OpenAI's older name, `max_tokens`
    - `in_array`: a stream is the items of a JSON array, not server-sent events
    - `n`: how many choices
    - `top_logprobs`: how many alternatives each token's log probability has; None: no log probabilities
    - `min_tokens`: the reply is not shorter, as far as `max_tokens` allows (vLLM only)
    - `tool_style`: how its protocol's codec writes calls of its tools; None: as usual
    - `echo`: the prompt stands before the reply (legacy completions only)
    - `service_tier`: the tier asked for, by the name that the reply would give; "": the standard one
    - `tool_choice`: "auto", "none", "required", or the name of a tool
    - `thought_tokens`: of the reasoning before the reply, which `max_tokens` includes
    - `thinking`: the reasoning asked for
    - `json_schema`: of the reply; `{}`: any JSON object, None: plain text
    """

    model: str
    messages: tuple[Message, ...]
    digest: str
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    stream: bool = False
    in_array: bool = False
    include_usage: bool = False
    obfuscate: bool = False
    n: int = 1
    top_logprobs: int | None = None
    min_tokens: int = 0
    echo: bool = False
    tool_style: object = None
    service_tier: str = ""
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    parallel_tool_calls: bool = True
    json_schema: Mapping[str, Any] | None = None
    says_max_tokens: bool = False
    thought_tokens: int = 0
    thinking: Thinking = UNASKED

    @cached_property
    def input_tokens(self) -> int:
        """Tokens of the prompt, as `tokens` counts them."""
        return tokens.count_prompt(message.text for message in self.messages) + sum(
            self.media_tokens.values()
        )

    @cached_property
    def media_tokens(self) -> Mapping[MediaKind, int]:
        """Tokens of the prompt's media, by kind; empty without any."""
        found: dict[MediaKind, int] = {}
        for message in self.messages:
            for media in message.media:
                found[media.kind] = found.get(media.kind, 0) + media.tokens
        return found

    @property
    def last_user_text(self) -> str:
        """The words of the last user message, "" without one."""
        return next((message.words for message in reversed(self.messages) if message.role == "user"), "")

    @property
    def prefill(self) -> str:
        """The start of the reply given by the client: the text of a final assistant message, else ""."""
        last = self.messages[-1] if self.messages else None
        return last.text if last is not None and last.role == "assistant" else ""


@dataclass(frozen=True, slots=True)
class Problem:
    """A provider's refusal: the HTTP status and the fields of its error body.

    - `retry_after_s`: the wait that the provider asks for; None: it names none
    - `should_retry`: the `x-should-retry` header; None: not sent
    - `details`: further fields of the error object, protocol-specific
    """

    status: int
    type: str
    message: str
    code: str | None = None
    param: str | None = None
    retry_after_s: float | None = None
    should_retry: bool | None = None
    details: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """The most specific name of the error: its code where there is one, else its type."""
        return self.code or self.type


class Refused(Exception):
    """The request is answered with `problem`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def digest_of(body: Mapping[str, object], ignored: frozenset[str]) -> str:
    """The digest of a JSON body without its `ignored` keys, independent of key order.

    Raises ValueError for a body nested too deeply.
    """
    kept = {key: value for key, value in body.items() if key not in ignored}
    try:
        return digest_of_bytes(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS))
    except TypeError as error:  # orjson reads documents nested more deeply than it writes
        raise ValueError(str(error)) from None


def digest_of_bytes(raw: bytes) -> str:
    """16 hex digits: BLAKE2b of the bytes."""
    return hashlib.blake2b(raw, digest_size=8).hexdigest()
