"""Log probabilities of a reply's tokens: drawn from the token itself, so that the same text has the same
ones.

The token and its alternatives share the probability 1. Source:
platform.openai.com/docs/api-reference/chat/object.
"""

import hashlib
import math
from typing import Any

from ....exchange.tokens import CHARS_PER_TOKEN
from ...edit import Edit, Json
from ...events import Events

MOST = 20
_ALTERNATIVES = [
    " the",
    " a",
    " an",
    " that",
    " this",
    " it",
    " so",
    " and",
    " or",
    " but",
    " to",
    " of",
    " in",
    " on",
    " at",
    " by",
    " as",
    " is",
    " be",
    " no",
    " we",
]
_LEAST = 0.05  # probability of a token that was chosen


class Logprobs(Edit):
    """The `logprobs` of each choice, `at` alternatives for each token."""

    def each(self, events: Events) -> Events:
        """Every chunk with content."""
        for event in events:
            if isinstance(event.data, dict):
                self._add(event.data, "delta")
        return events

    def whole(self, reply: Json) -> Json:
        """The message of each choice."""
        self._add(reply, "message")
        return reply

    def _add(self, data: Json, holder: str) -> None:
        for choice in data.get("choices", []):
            if text := (choice.get(holder) or {}).get("content"):
                choice["logprobs"] = {"content": logprobs_of(text, self.at), "refusal": None}


def logprobs_of(text: str, top: int) -> list[dict[str, Any]]:
    """The entry of each token of a text, with `top` alternatives, the token itself the first of them."""
    tokens = [text[at : at + CHARS_PER_TOKEN] for at in range(0, len(text), CHARS_PER_TOKEN)]
    return [_entry(token, top) for token in tokens]


def _entry(token: str, top: int) -> dict[str, Any]:
    drawn = int.from_bytes(hashlib.blake2b(token.encode(), digest_size=8).digest(), "big") / 2.0**64
    share = _LEAST + (1.0 - _LEAST) * math.sqrt(drawn)
    first = int(drawn * len(_ALTERNATIVES))
    others = [_ALTERNATIVES[(first + nth) % len(_ALTERNATIVES)] for nth in range(top)]
    rest = [other for other in others if other != token][: max(0, top - 1)]
    shares = [(1.0 - share) * 0.5 ** (nth + 1) for nth in range(len(rest))]
    ranked = [(token, share), *zip(rest, shares, strict=True)][:top]
    return {**_one(token, share), "top_logprobs": [_one(each, part) for each, part in ranked]}


def _one(token: str, share: float) -> dict[str, Any]:
    return {"token": token, "logprob": math.log(max(share, 1e-300)), "bytes": list(token.encode())}
