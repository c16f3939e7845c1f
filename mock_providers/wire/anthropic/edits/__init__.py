"""Deviations of servers that speak Anthropic's protocol, by the names of their quirks."""

from ...edit import Edits
from ...shared_edits import NullError, Pings, UnknownEvents, UnknownFields
from . import blocks, usage

EDITS: Edits = {
    "null_error": NullError,
    "unknown_fields": UnknownFields,
    "unknown_events": UnknownEvents,
    "pings": Pings,
    "text_in_start": blocks.TextInBlockStart,
    "text_in_message_start": blocks.TextInMessageStart,
    "no_end_marker": blocks.NoMessageStop,
    "tools_whole": blocks.WholeInput,
    "tools_null_arguments": blocks.NullInput,
    **usage.EDITS,
}
