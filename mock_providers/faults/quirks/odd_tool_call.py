"""Tool calls of servers that only nearly speak their protocol."""

from typing import ClassVar, Literal

from ...plan import Plan
from ..base import FaultBase, Refusals

Variant = Literal["no_index", "index_0", "repeated_id", "empty_id", "null_arguments", "whole", "finish_stop"]


class OddToolCall(FaultBase):
    """Replies that call tools, in OpenAI's protocol: their deltas are odd, and their calls complete.

    - `variant`: "no_index" (default): deltas have an id, no index; "index_0": each call has index 0 and an id
      of its own; "repeated_id": id and name in every delta; "empty_id": empty strings for both in later
      deltas; "null_arguments": null for what is empty or absent (Anthropic: null input in
      `content_block_start`, Gemini: no `args` for a call without arguments); "whole": a call in one delta
      (Anthropic: in `content_block_start`; Gemini's always are); "finish_stop": finish reason "stop"

    Sources: openai-python#2806, new-api#2701, opencode#37841, sglang#35542, open-webui/computer#224.
    """

    summary: ClassVar[str] = "tool calls without index, with empty ids, null arguments, whole in one delta"
    position: ClassVar[int] = 230

    kind: Literal["odd_tool_call"] = "odd_tool_call"
    variant: Variant = "no_index"

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Send the calls oddly; a reply without calls is as usual."""
        if not any(block.kind == "tool" for choice in plan.choices for block in choice.blocks):
            return plan
        return plan.with_quirk(f"tools_{self.variant}", 0, self.kind)
