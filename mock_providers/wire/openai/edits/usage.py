"""Odd usage: absent, null, zero, early, in every chunk, of other types."""

from typing import Any

from ...edit import Edit, Edits, Json
from ...events import Event, Events
from ...shared_edits import EveryObject
from ...usage_values import with_numbers
from ..reply import usage_of

_CHOICE: Json = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}


class Missing(Edit):
    """No usage, though it was asked for. Source: sglang#954."""

    def each(self, events: Events) -> Events:
        """All without it."""
        return [event for event in map(_without_usage, events) if event is not None]

    def whole(self, reply: Json) -> Json:
        """The same without it."""
        return {key: value for key, value in reply.items() if key != "usage"}


class Changed(EveryObject):
    """Usage with other values, by the name of `with_numbers`."""

    numbers = ""

    def change(self, data: Json) -> Json:
        """The same with other usage."""
        if not data.get("usage"):
            return data
        return {**data, "usage": with_numbers(data["usage"], self.numbers)}


class Null(EveryObject):
    """`"usage": null` to the end."""

    def change(self, data: Json) -> Json:
        """The same with null."""
        return {**data, "usage": None} if "usage" in data else data


class Zero(Changed):
    """Every number is 0, as of proxies that do not count. Source: litellm#31759."""

    numbers = "zero"


class Text(Changed):
    """Numbers as strings."""

    numbers = "text"


class Fraction(Changed):
    """Numbers with a fraction, `12.0`."""

    numbers = "fraction"


class NullDetails(Changed):
    """The details are null."""

    numbers = "null_details"


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
    "usage_null": Null,
    "usage_zero": Zero,
    "usage_text": Text,
    "usage_fraction": Fraction,
    "usage_null_details": NullDetails,
    "usage_no_choices": WithoutChoices,
    "usage_null_choices": NullChoices,
    "usage_late": Late,
    "usage_cumulative": Cumulative,
    "usage_zero_first": ZeroFirst,
}


def _has_usage(event: Event) -> bool:
    return isinstance(event.data, dict) and bool(event.data.get("usage"))


def _without_usage(event: Event) -> Event | None:
    """The event without usage; None for the chunk that has nothing else."""
    if not isinstance(event.data, dict):
        return event
    if _has_usage(event) and not event.data.get("choices"):
        return None
    return event._replace(data={key: value for key, value in event.data.items() if key != "usage"})


def _usage_chunk(event: Event, *, choices: bool) -> Event:
    """The chunk of the usage with null `choices`, or without them; other events unchanged."""
    if not _has_usage(event):
        return event
    data = {key: value for key, value in event.data.items() if key != "choices"}
    return event._replace(data={**data, "choices": None} if choices else data)
