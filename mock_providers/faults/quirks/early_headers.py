"""The provider answers at once, and has nothing to say yet."""

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ...plan import Heartbeat, Plan
from ..base import FaultBase, Refusals


class EarlyHeaders(FaultBase):
    """Status 200 and headers at once; the content when it is due, and signs of life every `gap_s` until then.

    - `gap_s`: default 1; of a stream a comment, of a whole reply a blank line before its JSON
    - `comment`: default "keep-alive", DeepSeek's; OpenRouter's is "OPENROUTER PROCESSING"

    Sources: api-docs.deepseek.com/quick_start/rate_limit, openrouter.ai/docs/api-reference/streaming.
    """

    summary: ClassVar[str] = "headers at once, then heartbeats (comments, blank lines) until the content"
    position: ClassVar[int] = 280

    kind: Literal["early_headers"] = "early_headers"
    gap_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    comment: Annotated[str, Field(pattern=r"^[^\r\n]*$")] = "keep-alive"

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Send the headers now."""
        if not plan.choices:
            return plan
        return replace(plan, headers_s=0.0, heartbeat=Heartbeat(self.gap_s, self.comment), fault=self.kind)
