"""Event streams that are written down in another way, each allowed by the format or usual with proxies."""

from typing import ClassVar, Literal

from ...plan import Plan
from ..base import FaultBase, Refusals

Variant = Literal[
    "crlf", "no_space", "comments", "event_names", "no_last_blank_line", "no_end_marker", "split"
]


class OddFraming(FaultBase):
    """The events of a stream as usual, their bytes not; a whole reply is as usual.

    - `variant`: "crlf" (default): lines end in CRLF (Gemini, whose lines do: in LF); "no_space": `data:`
      without a space; "comments": a comment before every event; "event_names": `event:` lines where OpenAI
      has none; "no_last_blank_line": the stream ends with the last event's line; "no_end_marker": without
      `[DONE]` (Anthropic: without `message_stop`); "split": each write in two parts, cut within a character
      of several bytes if there is one

    Sources: html.spec.whatwg.org/multipage/server-sent-events.html,
    openrouter.ai/docs/api-reference/streaming, tale#2771, api7/aisix#111.
    """

    summary: ClassVar[str] = "event streams in CRLF, with comments, cut within characters, without [DONE]"
    position: ClassVar[int] = 240

    kind: Literal["odd_framing"] = "odd_framing"
    variant: Variant = "crlf"

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Send the events in this framing."""
        return plan.with_quirk(self.variant, 0, self.kind)
