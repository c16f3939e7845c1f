"""Chunks that few clients expect, though some provider sends them."""

from typing import ClassVar, Literal

from ...plan import Plan
from ..base import Chunks, FaultBase, Refusals

Variant = Literal[
    "no_delta",
    "no_choices",
    "null_error",
    "unknown_fields",
    "unknown_events",
    "pings",
    "content_parts",
    "text_in_start",
    "text_in_message_start",
    "text_in_finish",
]


class OddChunk(FaultBase):
    """All words arrive, in unusual chunks. Where a protocol cannot have a variant, its reply is as usual.

    - `variant`: "no_delta" (default): after `after_chunks` chunks (default 5), and after the finish, a choice
      without delta, as of Azure's asynchronous content filter (Gemini: a candidate without content);
      "no_choices": the first chunk has no choices, only Azure's `prompt_filter_results` (Gemini: only usage);
      "null_error": `"error": null` in every chunk; "unknown_fields": a field more in every chunk;
      "unknown_events": an event of an unknown type after `after_chunks` chunks; "pings": one before every
      event; "content_parts": OpenAI's content as a list of parts; "text_in_start": text in the first chunk,
      which names the role (Anthropic: in `content_block_start`); "text_in_message_start": Anthropic's first
      text in `message_start`; "text_in_finish": the last text in the chunk of the finish reason (OpenAI,
      Gemini)

    Sources: openai-python#1677, semantic-kernel#7250, litellm#3811, litellm#34382.
    """

    summary: ClassVar[str] = "chunks without delta or choices, unknown fields and events, text in odd places"
    position: ClassVar[int] = 210

    kind: Literal["odd_chunk"] = "odd_chunk"
    variant: Variant = "no_delta"
    after_chunks: Chunks = 5

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Send the reply with such chunks."""
        return plan.with_quirk(self.variant, self.after_chunks, self.kind)
