"""A chunk of a stream is invalid JSON."""

from typing import ClassVar, Literal

from ..plan import Plan
from .base import Chunks, FaultBase, Refusals


class MalformedJson(FaultBase):
    """The chunk after `after_chunks` others (default 5) is half a JSON document; so is a whole JSON reply."""

    summary: ClassVar[str] = "one chunk that is no JSON; the rest of the stream is sound"
    position: ClassVar[int] = 130

    kind: Literal["malformed_json"] = "malformed_json"
    after_chunks: Chunks = 5

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Break one chunk."""
        return plan.with_malformed_chunk(self.after_chunks, "json", self.kind)
