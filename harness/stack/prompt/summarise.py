"""Requests summaries from a small model, in the background, at the cost of the call that needs one."""

import asyncio
from dataclasses import replace
from typing import Literal

from pydantic import Field

from ..config.options import Options
from ..core.background import Background
from ..core.call import Call, Next
from ..core.eligibility import unsuitable
from ..core.errors import StackError
from ..core.request import Request
from ..core.target import Target
from .summary import Needed, Summaries


class SummariseOptions(Options):
    """`provider` and `model` of the small model that writes summaries of about `tokens` 150 tokens each,
    within `timeout_s` 30 seconds.

    A summary is made for every `every_turns` 4 rounds of a conversation; the latest `keep_turns` 2 rounds
    before the question are sent unchanged. `max_entries` 10,000 summaries are kept; the oldest is dropped
    first.
    """

    provider: Literal["openai", "anthropic", "together"]
    model: str
    every_turns: int = Field(default=4, ge=1)
    keep_turns: int = Field(default=2, ge=0)
    tokens: int = Field(default=150, ge=1)
    timeout_s: float = Field(default=30.0, gt=0)
    max_entries: int = Field(default=10_000, ge=1)


class Summarise:
    """Makes summaries in the background, with one request at a time for each."""

    def __init__(self, options: SummariseOptions, target: Target, ask: Next, background: Background) -> None:
        self.summaries = Summaries(
            options.every_turns, options.keep_turns, options.tokens, options.max_entries
        )
        self._options = options
        self._target = target
        self._ask = ask
        self._background = background
        self._pending: dict[bytes, None] = {}

    def begin(self, call: Call, needed: Needed) -> None:
        """Start making the summary, at the call's cost. Until it is there, the rounds are sent unchanged."""
        deadline_s = asyncio.get_running_loop().time() + self._options.timeout_s
        request = replace(
            call.with_caller(priority="batch", deadline_s=deadline_s).with_attempt(
                kind="summary", target=self._target
            ),
            request=Request(
                needed.messages,
                model=call.request.model,
                max_tokens=2 * self._options.tokens,
                parallel_tool_calls=call.request.parallel_tool_calls,
                json_strict=call.request.json_strict,
                stream=False,
            ),
        )
        if needed.key in self._pending or unsuitable(request, self._target) is not None:
            return
        self._pending[needed.key] = None
        call.facts.goes_on_with(self._background.start(self._make(needed.key, request)))

    async def _make(self, key: bytes, request: Call) -> None:
        try:
            async with await self._ask(request) as reply:
                text, _ = await reply.text()
            self.summaries.put(key, text)
        except StackError:
            pass  # the next turn asks again
        finally:
            del self._pending[key]
