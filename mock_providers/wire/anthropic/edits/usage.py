"""Odd usage: Anthropic's stands in `message_start`, and, cumulative, in `message_delta`."""

from typing import Any

from ...edit import Edit, Edits, Json
from ...events import Event, Events
from ...shared_edits import EveryObject
from ...usage_values import with_numbers

_INPUT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class _Usages(EveryObject):
    """An edit of every usage object; None takes it away."""

    def usage(self, usage: Json) -> Json | None:
        """The usage that is sent instead."""
        return usage

    def change(self, data: Json) -> Json:
        """The object with the other usage, in it or in its message."""
        if "message" in data:
            return {**data, "message": self.change(data["message"])}
        if "usage" not in data:
            return data
        rest = {key: value for key, value in data.items() if key != "usage"}
        other = self.usage(data["usage"])
        return rest if other is None else {**rest, "usage": other}


class Missing(_Usages):
    """No usage at all."""

    def usage(self, usage: Json) -> Json | None:
        """None."""
        return None


class Null(_Usages):
    """Every number is null."""

    def usage(self, usage: Json) -> Json:
        """The same keys."""
        return dict.fromkeys(usage)


class Changed(_Usages):
    """Other values, by the name of `with_numbers`."""

    numbers = ""

    def usage(self, usage: Json) -> Json:
        """The same with other values."""
        changed: Json = with_numbers(usage, self.numbers)
        return changed


class Zero(Changed):
    """Every number is 0."""

    numbers = "zero"


class Text(Changed):
    """Numbers as strings."""

    numbers = "text"


class Fraction(Changed):
    """Numbers with a fraction."""

    numbers = "fraction"


class NullDetails(Changed):
    """`cache_creation` is null."""

    numbers = "null_details"


class Late(Edit):
    """The usage in a `message_delta` of its own, after the one with the stop reason."""

    def finish(self, events: Events) -> Events:
        """The stop reason without usage, then the usage."""
        usage = None
        for event in events:
            usage = event.data.pop("usage", usage)
        return [*events, _message_delta(usage)]


class Cumulative(Edit):
    """`message_delta` repeats all numbers of `message_start`; one more comes while the reply is written.

    Source: docs.anthropic.com/en/docs/build-with-claude/streaming: usage in `message_delta` is cumulative.
    """

    def __init__(self, plan: Any, at: int) -> None:
        super().__init__(plan, at)
        self._input: Json = {}
        self._output_tokens = 0

    def head(self, events: Events) -> Events:
        """Unchanged; its numbers are repeated later."""
        usage = events[0].data["message"].get("usage") or {}
        self._input = {key: usage[key] for key in _INPUT if key in usage}
        return events

    def piece(self, events: Events, nth: int) -> Events:
        """Half-way, a `message_delta` with the numbers so far."""
        self._output_tokens += self.plan.pieces[nth].tokens
        if nth != len(self.plan.pieces) // 2:
            return events
        return [*events, _message_delta({**self._input, "output_tokens": self._output_tokens})]

    def finish(self, events: Events) -> Events:
        """The last one with all numbers."""
        for event in events:
            if event.data.get("usage"):
                event.data["usage"] = {**self._input, **event.data["usage"]}
        return events


class ZeroFirst(Cumulative):
    """`message_start` has zeros; the numbers, cached tokens too, come in `message_delta`.

    Sources: stripe/ai#519, litellm#31759.
    """

    def head(self, events: Events) -> Events:
        """Zeros, the numbers kept for later."""
        events = super().head(events)
        message = events[0].data["message"]
        message["usage"] = with_numbers(message.get("usage"), "zero")
        return events

    def piece(self, events: Events, nth: int) -> Events:
        """Unchanged."""
        return events


EDITS: Edits = {
    "usage_missing": Missing,
    "usage_null": Null,
    "usage_zero": Zero,
    "usage_text": Text,
    "usage_fraction": Fraction,
    "usage_null_details": NullDetails,
    "usage_late": Late,
    "usage_cumulative": Cumulative,
    "usage_zero_first": ZeroFirst,
}


def _message_delta(usage: Json | None) -> Event:
    """A `message_delta` that has nothing but usage."""
    nothing = {"stop_reason": None, "stop_sequence": None}
    return Event({"type": "message_delta", "delta": nothing, "usage": usage}, "message_delta")
