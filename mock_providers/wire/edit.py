"""Edits: deviations from a reply's usual form, made on what the protocol's codec wrote.

A codec writes the reply; each quirk of its plan names an `Edit` in the codec's table, which changes the
decoded events of the stream, or the JSON of the whole reply. A name that the table lacks changes nothing: the
protocol has no such quirk.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ..plan import Plan
from .events import Events

Json = dict[str, Any]


class Edit:
    """One quirk of one reply. Each method returns what is sent instead of `events`, or of the whole reply.

    `at` is the quirk's position in chunks. A stream's methods are called in its order, each once, `piece` for
    each chunk.
    """

    def __init__(self, plan: Plan, at: int) -> None:
        self.plan = plan
        self.at = at

    def head(self, events: Events) -> Events:
        """The events in front of the content."""
        return self.each(events)

    def piece(self, events: Events, nth: int) -> Events:
        """The `nth` chunk, from 0."""
        return self.each(events)

    def finish(self, events: Events) -> Events:
        """The finish reason."""
        return self.each(events)

    def tail(self, events: Events) -> Events:
        """The events after the content."""
        return self.each(events)

    def each(self, events: Events) -> Events:
        """Any events of the stream (default: unchanged)."""
        return events

    def whole(self, reply: Json) -> Json:
        """A whole reply (default: unchanged)."""
        return reply


Edits = Mapping[str, Callable[[Plan, int], Edit]]
"""The edits of a protocol, by the names of the quirks."""


def edits_of(plan: Plan, table: Edits) -> list[Edit]:
    """The edits that the quirks of a plan ask for."""
    return [table[quirk.name](plan, quirk.at) for quirk in plan.quirks if quirk.name in table]
