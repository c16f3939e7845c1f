"""Edits that are the same in every protocol."""

from collections.abc import Callable
from functools import partial

from ..plan import Plan
from .edit import Edit, Edits, Json
from .events import Event, Events
from .usage_values import with_numbers


class EveryObject(Edit):
    """An edit of every JSON object of a stream, and of a whole reply, in the same way."""

    def change(self, data: Json) -> Json:
        """The object that is sent instead (default: the same)."""
        return data

    def each(self, events: Events) -> Events:
        """All objects, changed."""
        return [
            event._replace(data=self.change(event.data)) if isinstance(event.data, dict) else event
            for event in events
        ]

    def whole(self, reply: Json) -> Json:
        """The reply, changed."""
        return self.change(reply)


class Usage(EveryObject):
    """Usage with other values in every object that has it; `how` as of `with_numbers`."""

    def __init__(self, plan: Plan, at: int, how: str) -> None:
        super().__init__(plan, at)
        self._how = how

    key = "usage"
    """Where an object of the protocol has its usage."""

    def change(self, data: Json) -> Json:
        """The same with other usage."""
        return {**data, self.key: with_numbers(data[self.key], self._how)} if data.get(self.key) else data


class MissingUsage(EveryObject):
    """No usage at all."""

    key = "usage"

    def change(self, data: Json) -> Json:
        """The same without it."""
        return {key: value for key, value in data.items() if key != self.key}


class NullUsage(EveryObject):
    """Null usage, to the end."""

    key = "usage"

    def change(self, data: Json) -> Json:
        """The same with null."""
        return {**data, self.key: None} if self.key in data else data


def odd_numbers(usage: Callable[[Plan, int, str], Edit]) -> Edits:
    """Edits of all numbers of a usage object: of 0, as proxies send that do not count, and of other types.

    Source of the zeros: litellm#31759.
    """
    return {f"usage_{how}": partial(_odd, usage, how) for how in ("zero", "text", "fraction", "null_details")}


def _odd(usage: Callable[[Plan, int, str], Edit], how: str, plan: Plan, at: int) -> Edit:
    return usage(plan, at, how)


class HeldText(Edit):
    """The last text comes with the finish reason. Source: ai.google.dev, streamGenerateContent."""

    def __init__(self, plan: Plan, at: int) -> None:
        super().__init__(plan, at)
        self._held = ""

    def has_text(self, event: Event) -> bool:
        """Whether a chunk has text."""
        raise NotImplementedError

    def put(self, event: Event, text: str) -> None:
        """Write the text into the chunk, if it has the finish reason."""
        raise NotImplementedError

    def piece(self, events: Events, nth: int) -> Events:
        """Hold the last chunk back, if it is text and the reply completes."""
        if not self.plan.is_last_text(nth):
            return events
        self._held = self.plan.pieces[nth].text
        return [event for event in events if not self.has_text(event)]

    def finish(self, events: Events) -> Events:
        """The text and the finish reason together."""
        for event in events if self._held else ():
            self.put(event, self._held)
        return events


class NullError(EveryObject):
    """`"error": null` in every object."""

    def change(self, data: Json) -> Json:
        """The same, and no error."""
        return {**data, "error": None}


class UnknownEvents(Edit):
    """An event of an unknown type after `at` chunks."""

    unknown = Event({"type": "x_status", "x_status": {"stage": "queued"}}, "x_status")

    def piece(self, events: Events, nth: int) -> Events:
        """The unknown event before the chunk."""
        return [self.unknown, *events] if nth == self.at else events

    def finish(self, events: Events) -> Events:
        """The unknown event before the finish of a reply of at most `at` chunks."""
        return [self.unknown, *events] if self.at >= len(self.plan.to_send) else events


class Pings(Edit):
    """A ping before every event but the first ones."""

    def head(self, events: Events) -> Events:
        """Unchanged."""
        return events

    def each(self, events: Events) -> Events:
        """A ping, and the event."""
        return [every for event in events for every in (Event({"type": "ping"}, "ping"), event)]


class UnknownFields(EveryObject):
    """An unknown field in every object, as proxies add them (OpenRouter's `provider`)."""

    def change(self, data: Json) -> Json:
        """The same and a field more."""
        return {**data, "x_proxy": {"route": "eu-1", "attempts": [1, None]}}
