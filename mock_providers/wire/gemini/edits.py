"""Deviations of Gemini's replies, by the names of their quirks."""

from typing import Any

from ..edit import Edit, Edits, Json
from ..events import Event, Events
from ..shared_edits import (
    EveryObject,
    HeldText,
    MissingUsage,
    NullError,
    NullUsage,
    Pings,
    UnknownEvents,
    UnknownFields,
    Usage,
    odd_numbers,
)


class NoContent(Edit):
    """A candidate without content, as with safety ratings only; after `at` chunks."""

    def piece(self, events: Events, nth: int) -> Events:
        """The odd candidate before the chunk."""
        odd = {"candidates": [{"index": 0, "safetyRatings": []}]}
        return [Event(odd), *events] if nth == self.at else events


class NoCandidates(Edit):
    """The first chunk has usage only, no candidates."""

    def head(self, events: Events) -> Events:
        """The odd chunk first."""
        return [Event({"usageMetadata": {"promptTokenCount": self.plan.input_tokens}}), *events]


class TextInFinish(HeldText):
    """The last text in the chunk that has the finish reason: what Gemini mostly does."""

    def has_text(self, event: Event) -> bool:
        """Whether its candidate has content."""
        return "content" in _candidate(event)

    def put(self, event: Event, text: str) -> None:
        """Write the text into the candidate that has finished."""
        if "finishReason" in (candidate := _candidate(event)):
            candidate["content"]["parts"] = [{"text": text}]


class NullArguments(EveryObject):
    """A function call without arguments has none, not an empty object."""

    def change(self, data: Json) -> Json:
        """The same without empty arguments."""
        for candidate in data.get("candidates", ()):
            for part in (candidate.get("content") or {}).get("parts", ()):
                if "functionCall" in part and not part["functionCall"]["args"]:
                    del part["functionCall"]["args"]
        return data


class OddUsage(Usage):
    """As `Usage`, in `usageMetadata`. Google's JSON has 64-bit integers as strings."""

    key = "usageMetadata"


class Missing(MissingUsage):
    """No `usageMetadata`."""

    key = "usageMetadata"


class Null(NullUsage):
    """`usageMetadata` is null."""

    key = "usageMetadata"


class LateUsage(Edit):
    """The usage in a chunk of its own, without candidates, after the finish."""

    _usage: Json | None = None

    def finish(self, events: Events) -> Events:
        """The finish reason without usage."""
        for event in events:
            self._usage = event.data.pop("usageMetadata", self._usage)
        return events

    def tail(self, events: Events) -> Events:
        """The usage."""
        return [*events, Event({"usageMetadata": self._usage})]


class CumulativeUsage(Edit):
    """The usage so far in every chunk: what Gemini does."""

    def __init__(self, plan: Any, at: int) -> None:
        super().__init__(plan, at)
        self._output_tokens = 0

    def piece(self, events: Events, nth: int) -> Events:
        """The chunk with the usage up to it."""
        self._output_tokens += self.plan.pieces[nth].tokens
        usage = {
            "promptTokenCount": self.plan.input_tokens,
            "candidatesTokenCount": self._output_tokens,
            "totalTokenCount": self.plan.input_tokens + self._output_tokens,
        }
        return [event._replace(data={**event.data, "usageMetadata": usage}) for event in events]


def _candidate(event: Event) -> Json:
    """The first candidate of a chunk; empty without one."""
    candidates: list[Json] = event.data.get("candidates") or [{}]
    return candidates[0]


EDITS: Edits = {
    "no_delta": NoContent,
    "no_choices": NoCandidates,
    "null_error": NullError,
    "unknown_fields": UnknownFields,
    "unknown_events": UnknownEvents,
    "pings": Pings,
    "text_in_finish": TextInFinish,
    "tools_null_arguments": NullArguments,
    "usage_missing": Missing,
    "usage_null": Null,
    **odd_numbers(OddUsage),
    "usage_late": LateUsage,
    "usage_cumulative": CumulativeUsage,
}
