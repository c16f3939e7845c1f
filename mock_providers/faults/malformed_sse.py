"""An event of a stream breaks the SSE format."""

from typing import ClassVar, Literal

from ..plan import Plan
from .base import Chunks, FaultBase, Refusals


class MalformedSse(FaultBase):
    """The chunk after `after_chunks` others (default 5) lacks its field name and blank line.

    A JSON reply is half a document.
    """

    summary: ClassVar[str] = "one chunk breaks the event stream format"
    position: ClassVar[int] = 140

    kind: Literal["malformed_sse"] = "malformed_sse"
    after_chunks: Chunks = 5

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Break one event."""
        return plan.with_malformed_chunk(self.after_chunks, "sse", self.kind)
