"""Counting tokens before the provider does: deterministic, about four characters a token.

The estimate serves reservations and the cost of streams whose usage never came; whatever a provider says it
counted replaces it.
"""

from collections.abc import Iterable

from .call import Message

CHARS_PER_TOKEN = 4
PER_MESSAGE = 4
PER_REQUEST = 3


def count(text_chars: int) -> int:
    """Tokens in a text of that many characters."""
    return -(-text_chars // CHARS_PER_TOKEN)


def prompt_tokens(messages: Iterable[Message]) -> int:
    """Tokens of a prompt: each message's text, four around each message, three around the whole."""
    return sum(count(len(message.content)) + PER_MESSAGE for message in messages) + PER_REQUEST
