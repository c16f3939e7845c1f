"""Token counts before the provider counts: deterministic, four characters a token.

The estimate serves reservations, and the cost of streams that end without usage; the provider's own count
replaces it. A call may bring another `counter`: GPT-4o's tokenizer (`[cost] tokens = "bpe"`).
"""

import importlib
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from .call import Call
from .errors import ConfigError
from .reply import Delta, Event, ToolDelta
from .request import Message, Tool
from .target import Target

CHARS_PER_TOKEN = 4
PER_MESSAGE = 4
PER_REQUEST = 3

Counter = Callable[[str], int]
"""Tokens in a text."""


def count(text_chars: int) -> int:
    """Tokens in a text of that many characters."""
    return -(-text_chars // CHARS_PER_TOKEN)


def by_chars(text: str) -> int:
    """Tokens in a text: four characters each."""
    return count(len(text))


def counter_named(name: str) -> Counter | None:
    """The counter for `[cost] tokens`, None for "chars". Raises `ConfigError` if it is not installed."""
    if name == "chars":
        return None
    try:
        tokenizers: Any = importlib.import_module("rs_bpe.bpe")
    except ImportError:
        raise ConfigError(
            "cost.tokens: rs-bpe is not installed, expected pip install 'brownout[bpe]'"
        ) from None
    count_tokens: Counter = tokenizers.openai.o200k_base().count
    return count_tokens


def prompt_tokens(messages: Iterable[Message], counter: Counter = by_chars) -> int:
    """Tokens of a prompt: each message's text and media, four around each, three around the whole."""
    return sum(_tokens(message, counter) + PER_MESSAGE for message in messages) + PER_REQUEST


def call_tokens(call: Call) -> int:
    """Tokens of a call's prompt. Tools (one a line), a JSON schema and a prefill count as one message
    each."""
    counter = call.counter or by_chars
    extra = [call.request.prefill, "\n".join(map(_tool, call.request.tools)), call.request.json_description]
    if call.request.json_schema:
        extra.append(orjson.dumps(call.request.json_schema).decode())
    tokens = prompt_tokens(call.request.messages, counter)
    return tokens + sum(counter(text) + PER_MESSAGE for text in extra if text)


def most_output_tokens(call: Call, target: Target) -> int:
    """The most tokens of a reply by `target`: the call's limit or the model's, whichever is lower."""
    limit = target.max_output_tokens
    return limit if call.request.max_tokens is None else min(call.request.max_tokens, limit)


class ReplyRecorder:
    """A tap that keeps the text of a reply, tool calls included, so that `counter` can count its tokens."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._pieces: list[str] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, Delta):
            self._pieces.append(event.text)
        elif isinstance(event, ToolDelta):
            self._pieces.append(event.name + event.arguments)

    @property
    def tokens(self) -> int:
        """Tokens received so far."""
        return self._counter("".join(self._pieces))


def _tokens(message: Message, counter: Counter) -> int:
    return counter(_text(message)) + sum(media.tokens for media in message.media)


def _text(message: Message) -> str:
    """The message as a provider counts it: its text and its tool calls, joined by line breaks."""
    text = message.name + message.content
    calls = [f'{{"arguments":{call.arguments},"name":"{call.name}"}}' for call in message.tool_calls]
    return "\n".join([text, *calls] if text else calls)


def _tool(tool: Tool) -> str:
    fields = {"description": tool.description, "name": tool.name, "parameters": tool.parameters}
    return orjson.dumps({key: value for key, value in fields.items() if value}).decode()
