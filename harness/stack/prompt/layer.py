"""The prompt layer: shortens a prompt and fits it to the context window, before all other layers but budgets.

In this order: trim system prompts, replace old rounds by their summary, drop what does not fit into the
context window, add the instruction to be concise. Apart from summaries, the result depends on the call
alone, so that the turns of a session keep the same prefix.
"""

from pydantic import Field

from ..config.options import Options
from ..core.call import Call, Next
from ..core.reply import Reply
from ..core.request import Message
from ..core.tokens import call_tokens
from .concise import INSTRUCTION, instructed
from .fit import fitted
from .summarise import Summarise, SummariseOptions
from .trim import trimmed
from .turns import Messages


class PromptOptions(Options):
    """`trim` true: remove repetitions of at least `trim_min_chars` 20 characters from system prompts.

    `fit` true: drop the oldest rounds when the prompt and its reply (the call's `max_tokens`, else
    `reply_tokens` 1,024) exceed `context_tokens`, by default the largest window of all targets.

    `concise` false: add `instruction` "Answer concisely.". `max_tokens`: upper limit of every call's
    `max_tokens` (default: none). `summarise`: see `SummariseOptions` (default: no summaries).

    `stamp` false: true puts the call's id before the prompt. No provider can cache a prompt whose prefix
    changes: this option exists to measure what that costs.
    """

    trim: bool = True
    trim_min_chars: int = Field(default=20, ge=1)
    fit: bool = True
    context_tokens: int | None = Field(default=None, ge=1)
    reply_tokens: int = Field(default=1024, ge=1)
    concise: bool = False
    instruction: str = Field(default=INSTRUCTION, min_length=1)
    max_tokens: int | None = Field(default=None, ge=1)
    summarise: SummariseOptions | None = None
    stamp: bool = False


class Prompt:
    """Reworks each call's prompt. `window` is the largest context window of the targets, in tokens."""

    def __init__(
        self,
        options: PromptOptions,
        window: int,
        summarise: Summarise | None = None,
    ) -> None:
        self._options = options
        self._window = options.context_tokens or window
        self._summarise = summarise

    async def __call__(self, call: Call, next: Next) -> Reply:
        options, needed = self._options, None
        messages = call.request.messages
        if options.trim:
            messages = trimmed(messages, options.trim_min_chars)
        if self._summarise is not None:
            messages, needed = self._summarise.summaries.shortened(messages, call.caller.tenant)
        if options.concise:
            messages = instructed(messages, options.instruction)
        call = call.with_request(
            messages=messages, max_tokens=_least(call.request.max_tokens, options.max_tokens)
        )
        if options.fit:
            call = fitting(call, self._window, options.reply_tokens)
        if options.stamp:
            call = call.with_request(messages=(Message("system", f"Call {call.id}."), *call.request.messages))
        reply = await next(call)
        if needed is not None and self._summarise is not None:
            self._summarise.begin(call, needed)
        return reply


def fitting(call: Call, window: int, reply_tokens: int) -> Call:
    """The call with as much of its conversation as fits into the window beside the reply."""
    room = window - min(call.request.max_tokens or reply_tokens, window // 2)
    if call_tokens(call) <= room:
        return call

    def tokens_of(messages: Messages) -> int:
        return call_tokens(call.with_request(messages=messages))

    return call.with_request(messages=fitted(call.request.messages, room, tokens_of))


def _least(wanted: int | None, allowed: int | None) -> int | None:
    return min((limit for limit in (wanted, allowed) if limit is not None), default=None)
