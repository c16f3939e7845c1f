"""How the reply to one request becomes bytes: whole or as a stream."""

from dataclasses import dataclass
from typing import Protocol

from ..exchange.request import Request
from ..plan import Plan
from .dialect import Codec, Frames, Stamp

JSON = b"application/json"


class Rendering(Protocol):
    """The bytes of a reply: the codec's for a generated one, a document's for the others."""

    @property
    def content_type(self) -> bytes: ...

    def body(self, plan: Plan) -> bytes:
        """The whole reply."""
        ...

    def frames(self, plan: Plan) -> Frames:
        """The reply as a stream."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """A generated reply, written by its endpoint's codec."""

    codec: Codec
    request: Request
    stamp: Stamp
    content_type: bytes = JSON

    def body(self, plan: Plan) -> bytes:
        """The JSON of the whole reply."""
        return self.codec.body(self.request, plan, self.stamp)

    def frames(self, plan: Plan) -> Frames:
        """The server-sent events of the reply."""
        return self.codec.frames(self.request, plan, self.stamp)


@dataclass(frozen=True, slots=True)
class Document:
    """A reply body that does not depend on the plan; it cannot be streamed."""

    content: bytes
    content_type: bytes = JSON

    def body(self, plan: Plan) -> bytes:
        """The content."""
        return self.content

    def frames(self, plan: Plan) -> Frames:
        """Raises TypeError."""
        raise TypeError("a document is not streamed")
