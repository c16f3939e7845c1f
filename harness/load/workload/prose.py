"""Prose to lengthen a prompt: any number of characters, the same for the same key, for the price of a slice.

The prose is cut from one long tape of support notes. It has no line break, no "Question:" and no "in about":
those are the marks a mock provider reads in a prompt.
"""

from functools import cache

from ..draws import rng

_TAPE_CHARS = 1 << 17

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

    From 56 characters on it opens with the key, so two keys never share a prefix: a provider's prompt cache
    finds no more in common between two prompts than the callers put there.
    """
    opening = f"Reference {key:016x}. "
    if chars < 2 * len(opening):
        opening = ""
    return opening + _cut(key, chars - len(opening))


def _cut(key: int, chars: int) -> str:
    """Starts with a sentence and runs on from the tape's end to its beginning."""
    tape = _tape()
    start = tape.find(". ", key % (len(tape) - 1)) + len(". ")
    end = start + chars
    if end <= len(tape):
        return tape[start:end]
    return (tape[start:] + tape * (chars // len(tape) + 1))[:chars]


@cache
def _tape() -> str:
    draws = rng(0, "prose tape")
    sentences: list[str] = []
    chars = 0
    while chars < _TAPE_CHARS:
        words = " ".join(draws.choice(part) for part in (_SUBJECTS, _VERBS, _OBJECTS, _ENDINGS))
        sentences.append(f"{words[0].upper()}{words[1:]}. ")
        chars += len(sentences[-1])
    return "".join(sentences)
