"""Prose to lengthen a prompt: any number of characters, determined by a key, at the cost of a slice.

The prose is cut from one long text of support notes. It has no line break, no "Question:" and no "in about":
mock providers read those marks.
"""

from collections.abc import Sequence
from functools import cache

from ..draws import rng

_TEXT_CHARS = 1 << 17

_SUBJECTS = (
    "the customer", "our courier", "the warehouse", "a colleague", "the billing team", "the partner shop",
    "the second parcel", "an earlier ticket", "the night shift", "the account holder", "the store manager",
    "the mobile app", "the web shop", "a new supplier", "the return label", "the support desk",
)  # fmt: skip
_VERBS = (
    "confirmed", "changed", "forwarded", "returned", "delayed", "replaced", "recorded", "cancelled",
    "reopened", "checked", "updated", "mentioned", "received", "approved", "misplaced", "labelled",
)  # fmt: skip
_OBJECTS = (
    "the delivery address", "a damaged box", "the refund request", "the order history", "two spare parts",
    "the payment details", "a gift voucher", "the tracking code", "the warranty card", "a missing cable",
    "the monthly statement", "the login details", "a duplicate entry", "the packing list",
    "the discount code", "the contact form",
)  # fmt: skip
_ENDINGS = (
    "before noon", "after a short call", "without further notice", "late on the same evening",
    "at the front desk", "once more during the week", "because the form was incomplete", "by mail",
    "while the system was slow", "although nobody had asked", "as agreed on the phone",
    "with a friendly note", "when the office opened again", "for the third time",
    "despite the bad weather", "under the old terms",
)  # fmt: skip


def filler(key: int, chars: int) -> str:
    """Prose of exactly `chars` characters.

    From 56 characters on it opens with the key, so two keys never share a prefix, and a provider's prompt
    cache finds no accidental common prefix.
    """
    opening = f"Reference {key:016x}. "
    if chars < 2 * len(opening):
        opening = ""
    return opening + _cut(key, chars - len(opening))


def blocks_of_filler(blocks: Sequence[int], block_chars: int, skip: int, chars: int, key: int) -> str:
    """Prose of exactly `chars` characters in blocks of `block_chars`, each drawn by its own key.

    Texts that begin with the same blocks begin alike, and no others do. The first `skip` characters of the
    first blocks are left out: other text stands in their place. Beyond the blocks the prose is that of `key`.
    """
    parts: list[str] = []
    for block in blocks:
        left_out = min(skip, block_chars)
        skip -= left_out
        parts.append(filler(block, block_chars - left_out)[:chars])
        chars -= len(parts[-1])
        if not chars:
            break
    return "".join(parts) + (filler(key, chars) if chars else "")


def _cut(key: int, chars: int) -> str:
    """Starts at a sentence; past its end the text continues from its beginning."""
    text = _long_text()
    start = text.find(". ", key % (len(text) - 1)) + len(". ")
    end = start + chars
    if end <= len(text):
        return text[start:end]
    return (text[start:] + text * (chars // len(text) + 1))[:chars]


@cache
def _long_text() -> str:
    draws = rng(0, "prose tape")
    sentences: list[str] = []
    chars = 0
    while chars < _TEXT_CHARS:
        words = " ".join(draws.choice(part) for part in (_SUBJECTS, _VERBS, _OBJECTS, _ENDINGS))
        sentences.append(f"{words[0].upper()}{words[1:]}. ")
        chars += len(sentences[-1])
    return "".join(sentences)
