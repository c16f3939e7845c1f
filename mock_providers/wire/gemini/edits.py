"""Deviations of Gemini's replies, by the names of their quirks."""

from typing import Any

from ..edit import Edit, Edits, Json
from ..events import Event, Events
from ..shared_edits import EveryObject, NullError, Pings, UnknownEvents, UnknownFields
from ..usage_values import with_numbers


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


class TextInFinish(Edit):
    """The last text in the chunk that has the finish reason: what Gemini mostly does."""

    def __init__(self, plan: Any, at: int) -> None:
        super().__init__(plan, at)
        self._held = ""

    def piece(self, events: Events, nth: int) -> Events:
        """Hold the last chunk back, if it is text and the reply completes."""
        if not self.plan.is_last_text(nth):
            return events
        self._held = self.plan.pieces[nth].text
        return [event for event in events if "content" not in _candidate(event)]

    def finish(self, events: Events) -> Events:
        """The text and the finish reason together."""
        for event in events:
            if self._held and "finishReason" in (candidate := _candidate(event)):
                candidate["content"]["parts"] = [{"text": self._held}]
        return events


class NullArguments(EveryObject):
    """A function call without arguments has none, not an empty object."""

    def change(self, data: Json) -> Json:
        """The same without empty arguments."""
        for candidate in data.get("candidates", ()):
            for part in (candidate.get("content") or {}).get("parts", ()):
                if "functionCall" in part and not part["functionCall"]["args"]:
                    del part["functionCall"]["args"]
        return data


class Usage(EveryObject):
    """Other values, by the name of `with_numbers`."""

    numbers = ""

    def change(self, data: Json) -> Json:
        """The same with other usage."""
        if "usageMetadata" not in data:
            return data
        return {**data, "usageMetadata": with_numbers(data["usageMetadata"], self.numbers)}


class ZeroUsage(Usage):
    """Every number is 0."""

    numbers = "zero"


class TextUsage(Usage):
    """Numbers as strings, as Google's JSON has 64-bit integers."""

    numbers = "text"


class FractionUsage(Usage):
    """Numbers with a fraction."""

    numbers = "fraction"


class NullDetails(Usage):
    """The details are null."""

    numbers = "null_details"


class MissingUsage(EveryObject):
    """No usage at all."""

    def change(self, data: Json) -> Json:
        """The same without it."""
        return {key: value for key, value in data.items() if key != "usageMetadata"}


class NullUsage(EveryObject):
    """Null usage."""

    def change(self, data: Json) -> Json:
        """The same with null."""
        return {**data, "usageMetadata": None} if "usageMetadata" in data else data


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
    "usage_missing": MissingUsage,
    "usage_null": NullUsage,
    "usage_zero": ZeroUsage,
    "usage_text": TextUsage,
    "usage_fraction": FractionUsage,
    "usage_null_details": NullDetails,
    "usage_late": LateUsage,
    "usage_cumulative": CumulativeUsage,
}
