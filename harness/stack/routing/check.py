"""A cheap verifier of a small model's answer: it reads only the answer's text and asks no model.

It rejects an answer that says it is not sure, is too short, was refused, or is not the requested JSON. It
cannot detect a wrong answer that sounds confident.
"""

from functools import lru_cache

from pydantic import Field

from ..config.options import Options
from ..core.call import Call
from ..core.reply import Answer
from .json_check import json_complaint

UNSURE = (
    "i am not sure",
    "i'm not sure",
    "i am not certain",
    "i'm not certain",
    "i do not know",
    "i don't know",
    "i cannot answer",
    "i can't answer",
    "it is unclear",
)


class CheckOptions(Options):
    """`unsure`: phrases by which an answer says that it is not sure (in any case, within the first `within`
    400 characters), the English ones of `UNSURE` by default; `min_chars` 1: a shorter answer is rejected;
    `json_mode` true: a call that asks for JSON must get JSON of its schema.
    """

    unsure: tuple[str, ...] = UNSURE
    within: int = Field(default=400, ge=1)
    min_chars: int = Field(default=1, ge=0)
    json_mode: bool = True


def reject_reason(options: CheckOptions, call: Call, answer: Answer) -> str | None:
    """Why this answer should not be served, or None. Tool calls are not judged."""
    if answer.finish.reason == "content_filter":
        return "refused"
    if answer.tool_calls:
        return None
    text = answer.text.strip()
    if len(text) < options.min_chars:
        return "too short"
    if options.json_mode and call.request.json_schema is not None:
        complaint = json_complaint(call.request.prefill + answer.text, call.request.json_schema)
        if complaint is not None:
            return complaint
    beginning = text[: options.within].casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    if any(phrase in beginning for phrase in _folded(options.unsure)):
        return "says that it is not sure"
    return None


@lru_cache(maxsize=64)
def _folded(phrases: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(phrase.casefold() for phrase in phrases)
