"""The quirks that a response can have: of its usage, of every event, of the end of the stream."""

from ..edit import Edit, Edits, Json
from ..events import Event, Events
from ..shared_edits import EveryObject, Pings, UnknownEvents, UnknownFields
from ..usage_values import with_numbers


class _Usage(EveryObject):
    """An edit of the usage, which stands in the response."""

    def change(self, data: Json) -> Json:
        """The same, the response inside it changed."""
        if "response" in data:
            return {**data, "response": self.change(data["response"])}
        return self.edited(data) if data.get("usage") else data

    def edited(self, response: Json) -> Json:
        """A response that has usage, with other usage."""
        raise NotImplementedError


class _Missing(_Usage):
    def edited(self, response: Json) -> Json:
        return {key: value for key, value in response.items() if key != "usage"}


class _Null(_Usage):
    def edited(self, response: Json) -> Json:
        return {**response, "usage": None}


class _Numbers(_Usage):
    how = ""

    def edited(self, response: Json) -> Json:
        return {**response, "usage": with_numbers(response["usage"], self.how)}


class _Zero(_Numbers):
    how = "zero"


class _Text(_Numbers):
    how = "text"


class _Fraction(_Numbers):
    how = "fraction"


class _NullDetails(_Numbers):
    how = "null_details"


class _NoEndMarker(Edit):
    """The stream ends after its last item, without `response.completed`."""

    def tail(self, events: Events) -> Events:
        """Nothing."""
        return []


class _TextInFinish(Edit):
    """The last text only where the item is done, without a delta."""

    def piece(self, events: Events, nth: int) -> Events:
        """Hold the last delta back, if it is text and the reply completes."""
        if not self.plan.is_last_text(nth):
            return events
        return [event for event in events if not _is_text_delta(event)]


class _WholeCall(Edit):
    """Arguments only where the call is done, without deltas."""

    def piece(self, events: Events, nth: int) -> Events:
        """All but the deltas of arguments."""
        return [event for event in events if event.name != "response.function_call_arguments.delta"]


class _NullError(EveryObject):
    """`"error": null` in every event; a response has it anyway."""

    def change(self, data: Json) -> Json:
        """The same, and no error."""
        return {**data, "error": None} if "error" not in data else data


def _is_text_delta(event: Event) -> bool:
    return event.name == "response.output_text.delta"


EDITS: Edits = {
    "usage_missing": _Missing,
    "usage_null": _Null,
    "usage_zero": _Zero,
    "usage_text": _Text,
    "usage_fraction": _Fraction,
    "usage_null_details": _NullDetails,
    "null_error": _NullError,
    "unknown_fields": UnknownFields,
    "unknown_events": UnknownEvents,
    "pings": Pings,
    "text_in_finish": _TextInFinish,
    "tools_whole": _WholeCall,
    "no_end_marker": _NoEndMarker,
}
