"""Server-sent events as values: encoded frames to events and back."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


class Event(NamedTuple):
    """One event: its JSON, or the text of data that is no JSON (`[DONE]`); `name` "": no `event:` line."""

    data: Any
    name: str = ""


Events = list[Event]


def decoded(frames: bytes) -> Events:
    """The events of encoded frames, each of one `data:` line."""
    return [_event(frame) for frame in _BLANK_LINE.split(frames) if frame]


def _event(frame: bytes) -> Event:
    name, data = "", b""
    for line in frame.splitlines():
        field, _, value = line.partition(b": ")
        if field == b"event":
            name = value.decode()
        elif field == b"data":
            data = value
    return Event(orjson.loads(data) if data.startswith(b"{") else data.decode(), name)


def encoded(events: Iterable[Event], newline: bytes = b"\n") -> bytes:
    """The frames of these events."""
    return b"".join(_frame(event, newline) for event in events)


def encoded_data(event: Event) -> bytes:
    """The data of one event."""
    return event.data.encode() if isinstance(event.data, str) else orjson.dumps(event.data)


def _frame(event: Event, newline: bytes) -> bytes:
    name = b"event: %s%s" % (event.name.encode(), newline) if event.name else b""
    data = encoded_data(event)
    return b"%sdata: %s%s%s" % (name, data, newline, newline)
