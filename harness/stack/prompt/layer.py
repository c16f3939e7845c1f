"""The prompt layer: a prompt is made shorter and made to fit before anything else is done with it.

In this order: system prompts are trimmed, old rounds replaced by their summary, what does not fit into the
context window is dropped, an instruction to be concise is added. Everything that depends on the call alone is
pure, so that the turns of a session begin alike.
"""

from pydantic import Field

from ..core.call import Call, Next
from ..core.options import Options
from ..core.reply import Reply
from ..core.request import Message
from ..core.tokens import call_tokens
from .concise import INSTRUCTION, instructed
from .fit import fitted
from .summarise import Summarise, SummariseOptions
from .trim import trimmed
from .turns import Messages


class PromptOptions(Options):
    """`trim` true: system prompts without repetitions, which count from `trim_min_chars` 20 characters on.

    `fit` true: the oldest rounds go when the prompt and its reply (`max_tokens` of the call, else
    `reply_tokens` 1,024) are more than `context_tokens`, by default the largest window of all targets.

    `concise` false: whether `instruction` "Answer concisely." is added; `max_tokens`: no call asks for more
    (default: as the caller says). `summarise`: see `SummariseOptions` (default: no summaries).

    `stamp` false: true puts the call's id in front of everything, as some do to find it in a log. No provider
    can cache a prompt whose beginning changes: this is there to measure what that costs.
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
    """Reworks each call's prompt. `window` is the largest context window of the targets; `summarise` asks the
    small model for a summary.
    """

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
    """The call with as much of its conversation as the window holds beside the reply."""
    room = window - min(call.request.max_tokens or reply_tokens, window // 2)
    if call_tokens(call) <= room:
        return call

    def tokens_of(messages: Messages) -> int:
        return call_tokens(call.with_request(messages=messages))

    return call.with_request(messages=fitted(call.request.messages, room, tokens_of))


def _least(asked: int | None, allowed: int | None) -> int | None:
    return min((limit for limit in (asked, allowed) if limit is not None), default=None)
