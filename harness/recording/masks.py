"""API keys and tokens never reach a recorded file: what looks like one is replaced."""

import re
from collections.abc import Iterable
from typing import Any

MASK = "[key]"
_SHORTEST_SECRET = 8

_KEYS = re.compile(
    r"\b(?:"
    r"sk-[A-Za-z0-9_-]{16,}"  # OpenAI, Anthropic (sk-ant-), OpenRouter (sk-or-), DeepSeek
    r"|AIza[A-Za-z0-9_-]{30,}"  # Google
    r"|gsk_[A-Za-z0-9]{20,}"  # Groq
    r"|hf_[A-Za-z0-9]{20,}"  # Hugging Face
    r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}"
    r"|glpat-[A-Za-z0-9_-]{16,}"
    r"|xox[abprs]-[A-Za-z0-9-]{10,}"  # Slack
    r"|A(?:KIA|SIA)[A-Z0-9]{16}"  # AWS
    r"|eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"  # a JSON Web Token
    r")"
)
"""Keys of the well-known vendors, by the prefixes that they document."""


def masked(value: Any, secrets: Iterable[str] = ()) -> Any:
    """A copy of plain data in which no string has a key or one of `secrets`, if of 8 characters or more."""
    if isinstance(value, str):
        for secret in secrets:
            if len(secret) >= _SHORTEST_SECRET:
                value = value.replace(secret, MASK)
        return _KEYS.sub(MASK, value)
    if isinstance(value, dict):
        return {masked(key, secrets): masked(each, secrets) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [masked(each, secrets) for each in value]
    return value
