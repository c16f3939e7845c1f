"""Counting tokens before the provider does: deterministic, about four characters a token.

The estimate serves reservations and the cost of streams whose usage never came; whatever a provider says it
counted replaces it.
"""

from collections.abc import Iterable

import orjson

from .call import Call, Message, Tool

CHARS_PER_TOKEN = 4
PER_MESSAGE = 4
PER_REQUEST = 3


def count(text_chars: int) -> int:
    """Tokens in a text of that many characters."""
    return -(-text_chars // CHARS_PER_TOKEN)


def prompt_tokens(messages: Iterable[Message]) -> int:
    """Tokens of a prompt: each message's text, four around each message, three around the whole."""
    return sum(count(_message_chars(message)) + PER_MESSAGE for message in messages) + PER_REQUEST


def call_tokens(call: Call) -> int:
    """Tokens of a call's prompt. Its tools count as one message more, and so do a schema and the beginning of
    the reply where one is handed on.
    """
    extra = [len(call.prefill), sum(map(_tool_chars, call.tools))]
    if call.json_schema:
        extra.append(len(orjson.dumps(call.json_schema)))
    return prompt_tokens(call.messages) + sum(count(chars) + PER_MESSAGE for chars in extra if chars)


def _message_chars(message: Message) -> int:
    if not message.tool_calls:
        return len(message.content)
    called = sum(len(_AROUND_CALL) + len(call.name) + len(call.arguments) for call in message.tool_calls)
    return len(message.content) + called


_AROUND_CALL = '{"arguments":,"name":""}'


def _tool_chars(tool: Tool) -> int:
    told = {"description": tool.description, "name": tool.name, "parameters": tool.parameters}
    return len(orjson.dumps({key: value for key, value in told.items() if value}).decode())
