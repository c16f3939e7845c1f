"""Deviations of servers that speak OpenAI's protocol, by the names of their quirks."""

from ...edit import Edits
from ...shared_edits import NullError, Pings, UnknownEvents, UnknownFields
from . import chunks, tool_calls, usage

EDITS: Edits = {
    "no_delta": chunks.NoDelta,
    "no_choices": chunks.PromptFilter,
    "null_error": NullError,
    "unknown_fields": UnknownFields,
    "unknown_events": UnknownEvents,
    "pings": Pings,
    "event_names": chunks.EventNames,
    "content_parts": chunks.ContentParts,
    "text_in_start": chunks.TextInStart,
    "text_in_finish": chunks.TextInFinish,
    "no_end_marker": chunks.NoDone,
    **usage.EDITS,
    **tool_calls.EDITS,
}
