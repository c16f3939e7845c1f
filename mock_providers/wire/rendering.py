"""How the reply to one request becomes bytes: whole or as a stream."""

from dataclasses import dataclass
from typing import Protocol

from ..exchange.request import Request
from ..plan import Plan
from .dialect import Codec, Frames, OwnFailures, Stamp
from .edit import edits_of
from .edited import EditedFrames, edited_body
from .framing import ReframedFrames, framings_of

JSON = b"application/json"


class UsualFailures:
    """In-band errors in the dialect's form."""

    __slots__ = ()

    def failed_body(self, plan: Plan, usual: bytes) -> bytes:
        """The dialect's error."""
        return usual

    def error_event(self, plan: Plan, usual: bytes) -> bytes:
        """The dialect's event."""
        return usual


class Rendering(Protocol):
    """The bytes of a reply: the codec's for a generated one, a document's for the others."""

    @property
    def content_type(self) -> bytes: ...
    @property
    def in_array(self) -> bool: ...

    def body(self, plan: Plan) -> bytes:
        """The whole reply."""
        ...

    def frames(self, plan: Plan) -> Frames:
        """The reply as a stream."""
        ...

    def failed_body(self, plan: Plan, usual: bytes) -> bytes:
        """The body of a reply that an in-band error ends; `usual`: the dialect's error."""
        ...

    def error_event(self, plan: Plan, usual: bytes) -> bytes:
        """The in-band error of a stream; `usual`: the dialect's event."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """A generated reply, written by its endpoint's codec."""

    codec: Codec
    request: Request
    stamp: Stamp
    content_type: bytes = JSON

    @property
    def in_array(self) -> bool:
        """Whether the stream is the items of a JSON array."""
        return self.request.in_array

    def body(self, plan: Plan) -> bytes:
        """The JSON of the whole reply."""
        body = self.codec.body(self.request, plan, self.stamp)
        edits = edits_of(plan, self.codec.edits)
        return edited_body(body, edits) if edits else body

    def frames(self, plan: Plan) -> Frames:
        """The server-sent events of the reply; of an array, they are to become its items."""
        frames = self.codec.frames(self.request, plan, self.stamp)
        if edits := edits_of(plan, self.codec.edits):
            frames = EditedFrames(frames, edits)
        if framings := framings_of(plan):
            frames = ReframedFrames(frames, framings)
        return frames

    def failed_body(self, plan: Plan, usual: bytes) -> bytes:
        """The codec's own, if it has one."""
        codec = self.codec
        return codec.failed_body(self.request, plan, self.stamp) if isinstance(codec, OwnFailures) else usual

    def error_event(self, plan: Plan, usual: bytes) -> bytes:
        """The codec's own, if it has one."""
        codec = self.codec
        return codec.error_event(self.request, plan, self.stamp) if isinstance(codec, OwnFailures) else usual


@dataclass(frozen=True, slots=True)
class Document(UsualFailures):
    """A reply body that does not depend on the plan; it cannot be streamed."""

    content: bytes
    content_type: bytes = JSON
    in_array: bool = False

    def body(self, plan: Plan) -> bytes:
        """The content."""
        return self.content

    def frames(self, plan: Plan) -> Frames:
        """Raises TypeError."""
        raise TypeError("a document is not streamed")
