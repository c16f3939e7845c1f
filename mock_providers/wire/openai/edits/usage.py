"""Odd usage: absent, null, zero, early, in every chunk, of other types."""

from typing import Any

from ...edit import Edit, Edits, Json
from ...events import Event, Events
from ...shared_edits import MissingUsage, NullUsage, Usage, odd_numbers
from ...usage_values import with_numbers
from ..reply import usage_of

_CHOICE: Json = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}


class Missing(MissingUsage):
    """No usage, though it was asked for, and no chunk for it. Source: sglang#954."""

    def each(self, events: Events) -> Events:
        """All without it, but the chunk that has nothing else."""
        return super().each([event for event in events if not _is_usage_chunk(event)])


class WithoutChoices(Edit):
    """The chunk with the usage has no `choices`. Source: ROCm/ATOM#1711."""

    def tail(self, events: Events) -> Events:
        """The usage alone."""
        return [_usage_chunk(event, choices=False) for event in events]


class NullChoices(Edit):
    """The chunk with the usage has null `choices`. Source: cline#8527."""

    def tail(self, events: Events) -> Events:
        """The usage and null."""
        return [_usage_chunk(event, choices=True) for event in events]


class Late(Edit):
    """Usage, asked for or not, after the finish in a chunk that has a choice, as OpenRouter sends it."""

    def tail(self, events: Events) -> Events:
        """The usage chunk first, whatever else follows."""
        rest = [event for event in events if not _has_usage(event)]
        chunk = {"object": "chat.completion.chunk", "choices": [_CHOICE], "usage": usage_of(self.plan)}
        return [Event(chunk), *rest]


class Cumulative(Edit):
    """The usage so far in every chunk: vLLM's `continuous_usage_stats`, xAI."""

    numbers = ""

    def __init__(self, plan: Any, at: int) -> None:
        super().__init__(plan, at)
        self._output_tokens = 0

    def piece(self, events: Events, nth: int) -> Events:
        """The chunk with the usage up to it."""
        self._output_tokens += self.plan.pieces[nth].tokens
        return self.each(events)

    def each(self, events: Events) -> Events:
        """All chunks with the usage so far, but the one that has it anyway."""
        return [event if _has_usage(event) else self._counted(event) for event in events]

    def _counted(self, event: Event) -> Event:
        if not isinstance(event.data, dict):
            return event
        usage = usage_of(self.plan)
        usage["completion_tokens"] = self._output_tokens
        usage["total_tokens"] = self.plan.input_tokens + self._output_tokens
        return event._replace(data={**event.data, "usage": with_numbers(usage, self.numbers)})


class ZeroFirst(Cumulative):
    """Zeros in every chunk, the numbers in the last one."""

    numbers = "zero"


EDITS: Edits = {
    "usage_missing": Missing,
    "usage_null": NullUsage,
    **odd_numbers(Usage),
    "usage_no_choices": WithoutChoices,
    "usage_null_choices": NullChoices,
    "usage_late": Late,
    "usage_cumulative": Cumulative,
    "usage_zero_first": ZeroFirst,
}


def _has_usage(event: Event) -> bool:
    return isinstance(event.data, dict) and bool(event.data.get("usage"))


def _is_usage_chunk(event: Event) -> bool:
    """Whether a chunk has usage and nothing else."""
    return _has_usage(event) and not event.data.get("choices")


def _usage_chunk(event: Event, *, choices: bool) -> Event:
    """The chunk of the usage with null `choices`, or without them; other events unchanged."""
    if not _has_usage(event):
        return event
    data = {key: value for key, value in event.data.items() if key != "choices"}
    return event._replace(data={**data, "choices": None} if choices else data)
