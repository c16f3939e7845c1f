"""Edits that are the same in every protocol."""

from .edit import Edit, Json
from .events import Event, Events


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
