"""Counting tokens before the provider does: deterministic, about four characters a token.

The estimate serves reservations and the cost of streams whose usage never came; whatever a provider says it
counted replaces it.
"""

from collections.abc import Iterable

from .call import Call, Message

CHARS_PER_TOKEN = 4
PER_MESSAGE = 4
PER_REQUEST = 3


def count(text_chars: int) -> int:
    """Tokens in a text of that many characters."""
    return -(-text_chars // CHARS_PER_TOKEN)


def prompt_tokens(messages: Iterable[Message]) -> int:
    """Tokens of a prompt: each message's text, four around each message, three around the whole."""
    return sum(count(len(message.content)) + PER_MESSAGE for message in messages) + PER_REQUEST


def call_tokens(call: Call) -> int:
    """Tokens of a call's prompt, the beginning of the reply included where one is handed on."""
    begun = count(len(call.prefill)) + PER_MESSAGE if call.prefill else 0
    return prompt_tokens(call.messages) + begun
