"""Content in unusual places: in the events that open a block or the message."""

from typing import Any

from ...edit import Edit, Json
from ...events import Event, Events
from ...fields import arguments


class TextInBlockStart(Edit):
    """`content_block_start` has the first text of a block.

    Source: docs.anthropic.com/en/docs/build-with-claude/streaming: it has a content block like any other,
    whose text need not be empty.
    """

    def piece(self, events: Events, nth: int) -> Events:
        """The text in the event that opens its block."""
        if not self.plan.pieces[nth].opens:
            return events
        for event in events:
            if event.name == "content_block_start" and event.data["content_block"]["type"] == "text":
                event.data["content_block"]["text"] = self.plan.pieces[nth].text
                return _without_deltas(events)
        return events


class TextInMessageStart(Edit):
    """`message_start` has a message with a first text block; the others follow it.

    Source: docs.anthropic.com/en/api/messages-streaming: the event has a Message object.
    """

    def head(self, events: Events) -> Events:
        """The first text in the message."""
        if self._moves:
            events[0].data["message"]["content"] = [{"type": "text", "text": self.plan.pieces[0].text}]
        return events

    def piece(self, events: Events, nth: int) -> Events:
        """Every block one place later; of the first chunk only what opens its block."""
        if not self._moves:
            return events
        return self._shifted(_without_deltas(events) if nth == 0 else events)

    def finish(self, events: Events) -> Events:
        """The end of the last block, one place later."""
        return self._shifted(events) if self._moves else events

    def _shifted(self, events: Events) -> Events:
        return [
            event._replace(data={**event.data, "index": event.data["index"] + 1})
            if "index" in event.data
            else event
            for event in events
        ]

    @property
    def _moves(self) -> bool:
        return bool(self.plan.to_send) and self.plan.choices[0].blocks[0].kind == "text"


class NoMessageStop(Edit):
    """The stream ends after `message_delta`, without `message_stop`."""

    def tail(self, events: Events) -> Events:
        """Nothing."""
        return []


class WholeInput(Edit):
    """A tool's input is whole in `content_block_start`, as translating proxies send it."""

    def piece(self, events: Events, nth: int) -> Events:
        """The input with the opening event, no deltas."""
        piece = self.plan.pieces[nth]
        if self.plan.choices[0].blocks[piece.block].kind != "tool":
            return events
        kept = _without_deltas(events)
        for event in kept:
            if event.name == "content_block_start":
                event.data["content_block"]["input"] = arguments(self.plan.text_of(0, piece.block))
        return kept


class NullInput(Edit):
    """A tool's input is null where others have an empty object."""

    def piece(self, events: Events, nth: int) -> Events:
        """Null in the opening event."""
        return [_with_null(event) for event in events]

    def whole(self, reply: Json) -> Json:
        """Null for input without a member."""
        for block in reply["content"]:
            if block["type"] == "tool_use" and not block["input"]:
                block["input"] = None
        return reply


def _without_deltas(events: Events) -> Events:
    return [event for event in events if event.name != "content_block_delta"]


def _with_null(event: Event) -> Event:
    block: Any = event.data.get("content_block")
    if event.name != "content_block_start" or block["type"] != "tool_use":
        return event
    return event._replace(data={**event.data, "content_block": {**block, "input": None}})
