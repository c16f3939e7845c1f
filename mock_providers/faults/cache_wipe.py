"""The prompt cache is lost."""

from dataclasses import replace
from typing import ClassVar, Literal

from ..plan import Plan
from .base import FaultBase, FaultEffects, Refusals, Target


class CacheWipe(FaultBase):
    """The entries that the prompt cache held at `from_s` are lost; with a `to_s`, it stores nothing until
    then.

    The ledger names the fault in rows of requests that would have read more without it; of parallel calls
    that write the same prompt again, only in the first.
    """

    summary: ClassVar[str] = "the prompt cache is lost at from_s, and keeps nothing until to_s"
    position: ClassVar[int] = 180

    kind: Literal["cache_wipe"] = "cache_wipe"

    def matches(self, target: Target, t_s: float) -> bool:
        """Requests after `to_s` too: lost entries do not come back."""
        return self.aims_at(target) and self.from_s <= t_s

    def alter(self, effects: FaultEffects) -> FaultEffects:
        """Lose the entries from before the end of the window."""
        lost_s = self.from_s if self.to_s is None else self.to_s
        return effects._replace(cache_since_s=max(lost_s, effects.cache_since_s or 0.0))

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Name the fault in the ledger if the reply cost more; the name of an earlier fault stays."""
        return replace(plan, fault=plan.fault or self.kind) if plan.cache_lost_tokens else plan
