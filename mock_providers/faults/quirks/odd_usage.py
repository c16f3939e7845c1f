"""Usage that is missing, wrong, late, or of another shape."""

from typing import ClassVar, Literal

from ...plan import Plan
from ..base import FaultBase, Refusals

Variant = Literal[
    "missing",
    "null",
    "zero",
    "zero_first",
    "cumulative",
    "late",
    "no_choices",
    "null_choices",
    "text",
    "fraction",
    "null_details",
]


class OddUsage(FaultBase):
    """The reply is billed as usual; only what it says of its tokens is odd.

    - `variant`: "missing" (default), "null", "zero"; "zero_first": zeros, and the numbers at the end
      (Anthropic: `message_start` has zeros, `message_delta` all numbers); "cumulative": the usage so far in
      every chunk (Anthropic: a `message_delta` more half-way); "late": in an event of its own after the
      finish, from OpenAI also unasked and with a choice; "no_choices", "null_choices": OpenAI's usage chunk
      without `choices`, or with null; "text", "fraction": numbers as strings, or as `12.0`; "null_details":
      the details are null

    Sources: stripe/ai#519, litellm#31759, cline#8527, openrouter.ai/docs/api-reference/streaming.
    """

    summary: ClassVar[str] = "usage missing, null, zero, late, cumulative, or of other types"
    position: ClassVar[int] = 220

    kind: Literal["odd_usage"] = "odd_usage"
    variant: Variant = "missing"

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Send the reply with such usage."""
        return plan.with_quirk(f"usage_{self.variant}", 0, self.kind)
