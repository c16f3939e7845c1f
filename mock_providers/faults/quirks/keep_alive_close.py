"""A connection that was to be kept is closed between two requests."""

from dataclasses import replace
from typing import ClassVar, Literal

from ...exchange.options import Seconds
from ...plan import KeepAlive, Plan
from ..base import FaultBase, Refusals


class KeepAliveClose(FaultBase):
    """The reply is as usual and says nothing of it, then its connection is closed.

    - `variant`: "idle" (default): closed when no request came for `after_s` seconds (default 0: at once,
      without notice; uvicorn's own is 5); "next_request": closed when the next request comes, which is not
      read, as when both cross; "next_reset": then it is reset, as by a load balancer that has forgotten the
      connection

    Sources: encode/httpx#2487, llm-d#1564.
    """

    summary: ClassVar[str] = "the connection is closed after the reply, or when the next request comes"
    position: ClassVar[int] = 290

    kind: Literal["keep_alive_close"] = "keep_alive_close"
    variant: Literal["idle", "next_request", "next_reset"] = "idle"
    after_s: Seconds = 0.0

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Close the connection after the reply."""
        if self.variant == "idle":
            keep_alive = KeepAlive("idle", self.after_s)
        else:
            keep_alive = KeepAlive("close" if self.variant == "next_request" else "reset")
        return replace(plan, keep_alive=keep_alive, fault=self.kind)
