"""The mock's definition of a token: four characters.

Real tokenizers differ by model and change over time. With a fixed definition every count in the ledger can be
recomputed by hand, and a reply of N tokens cut into exactly N pieces. English text has about four characters
a token with the usual tokenizers too.

- text: ceil(characters / 4), where a character is a Unicode code point
- prompt: the sum over its messages of ceil(characters / 4) + 4, plus 3 for the request,
  plus the tokens of images, audio, video and documents (`media`)
"""

from collections.abc import Iterable

CHARS_PER_TOKEN = 4
TOKENS_PER_MESSAGE = 4
TOKENS_PER_REQUEST = 3


def count(text: str) -> int:
    """Tokens of a text: ceil(characters / 4); 0 for an empty one."""
    return -(-len(text) // CHARS_PER_TOKEN)


def count_prompt(messages: Iterable[str]) -> int:
    """Tokens of a prompt, given the text of each of its messages (a system prompt is a message)."""
    return TOKENS_PER_REQUEST + sum(count(text) + TOKENS_PER_MESSAGE for text in messages)


def cut(text: str, tokens: int) -> str:
    """The first `tokens` tokens of a text."""
    return text[: tokens * CHARS_PER_TOKEN]
