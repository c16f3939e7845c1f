"""Prefixes of a prompt as digests: equal digests, equal prefixes.

A prompt is a sequence of tokens, counted as `tokens` counts them: those of the request come first, the same
for every prompt, then for each message those of its role, its text and its media. Prefixes end every N tokens
(`stepped`) or after content blocks (`marked`). All digests of a prompt come from one pass over its text.
"""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from ..exchange.media.media import Media
from ..exchange.request import CacheTtl, Message
from ..exchange.tokens import CHARS_PER_TOKEN, TOKENS_PER_MESSAGE, TOKENS_PER_REQUEST, count, count_prompt

# Bytes that UTF-8 never uses: they separate text from structure.
_MESSAGE = b"\xff"
_BLOCK = b"\xfe"
_PART_OF_ROLE = b"\xfd"
_MEDIA = b"\xfc"


class BlockPrefix(NamedTuple):
    """The prefix that ends with one content block: its tokens, and the TTL of a breakpoint after it.

    `digest` is empty for blocks beyond the look-back of every breakpoint.
    """

    tokens: int
    cache: CacheTtl | None
    digest: bytes = b""


def stepped(messages: Sequence[Message], first: int, step: int) -> list[bytes]:
    """Digests of the prefixes of `first`, `first + step`, `first + 2 × step`, … tokens, shortest first.

    `first` is at least the tokens of an empty request; the list is empty when the prompt is shorter.
    """
    total = count_prompt(message.text for message in messages)
    total += sum(media.tokens for message in messages for media in message.media)
    cuts = range(first, total + 1, step)
    return list(islice(_cut(messages, cuts), len(cuts)))


def marked(messages: Sequence[Message], look_back: int) -> list[BlockPrefix]:
    """The blocks up to the last breakpoint, with digests of the `look_back` blocks up to each breakpoint."""
    parts = [part for message in messages for part in message.parts]
    breakpoints = [nth for nth, part in enumerate(parts) if part.cache]
    if not breakpoints:
        return []
    wanted = [False] * (breakpoints[-1] + 1)
    for nth in breakpoints:
        start = max(0, nth + 1 - look_back)
        wanted[start : nth + 1] = [True] * (nth + 1 - start)
    return list(islice(_blocks(messages, wanted), len(wanted)))


def breakpoints(messages: Sequence[Message]) -> tuple[CacheTtl, ...]:
    """The TTL of each breakpoint, in order."""
    return tuple(part.cache for message in messages for part in message.parts if part.cache)


def _cut(messages: Sequence[Message], cuts: Sequence[int]) -> Iterator[bytes]:
    """The digest at each of the ascending `cuts`, which all lie within the prompt."""
    hasher = hashlib.blake2b(digest_size=16)
    following = iter(cuts)
    cut = next(following, 0)
    at = TOKENS_PER_REQUEST
    while cut == at:
        yield hasher.digest()
        cut = next(following, 0)
    for message in messages:
        role, text = message.role.encode(), message.text
        while at < cut < at + TOKENS_PER_MESSAGE:
            inside = hasher.copy()
            inside.update(_PART_OF_ROLE + role + b"%d" % (cut - at))
            yield inside.digest()
            cut = next(following, 0)
        hasher.update(_MESSAGE + role + _MESSAGE)
        at += TOKENS_PER_MESSAGE
        hashed, end = 0, at + count(text)
        while at <= cut <= end:
            upto = (cut - at) * CHARS_PER_TOKEN
            hasher.update(_utf8(text[hashed:upto]))
            hashed = upto
            yield hasher.digest()
            cut = next(following, 0)
        hasher.update(_utf8(text[hashed:]))
        at = end
        for media in message.media:
            hasher.update(_MEDIA + media.digest.encode())
            while at < cut <= at + media.tokens:
                inside = hasher.copy()
                inside.update(_PART_OF_ROLE + b"%d" % (cut - at))
                yield inside.digest()
                cut = next(following, 0)
            at += media.tokens


def _blocks(messages: Sequence[Message], wanted: Sequence[bool]) -> Iterator[BlockPrefix]:
    hasher = hashlib.blake2b(digest_size=16)
    before, nth = TOKENS_PER_REQUEST, 0
    for message in messages:
        hasher.update(_MESSAGE + message.role.encode() + _MESSAGE)
        before += TOKENS_PER_MESSAGE
        chars, media_tokens = -1, 0  # a line break stands between two texts
        for part in message.parts:
            media = part.about if isinstance(part.about, Media) else None
            hasher.update((_MEDIA + media.digest.encode() if media else _utf8(part.text)) + _BLOCK)
            media_tokens += media.tokens if media else 0
            chars += 0 if media else len(part.text) + 1
            digest = hasher.digest() if nth < len(wanted) and wanted[nth] else b""
            yield BlockPrefix(before + media_tokens - (-max(chars, 0) // CHARS_PER_TOKEN), part.cache, digest)
            nth += 1
        before += message.tokens


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
