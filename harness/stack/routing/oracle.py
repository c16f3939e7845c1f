"""Policy `oracle`: the caller states how hard each question is (`Caller.hint`).

Real traffic has no such hint: this is the upper bound for routers that decide before an answer exists. A
cascade, which sees an answer, may do better. Clients of the gateway send the header `x-brownout-hint`.
"""

from pydantic import Field

from ..config.options import Options
from ..core.call import Call
from .tiers import Decision, Tiers


class OracleOptions(Options):
    """`order` ["easy", "medium", "hard"]: the hints, easiest first, which score from 0 to 1 in equal steps
    (no hint, or an unknown one, scores 1); from `threshold` 0.5 on the largest tier is asked, below it the
    smallest.
    """

    order: tuple[str, ...] = Field(default=("easy", "medium", "hard"), min_length=2)
    threshold: float = Field(default=0.5, ge=0, le=1)


def oracle(options: OracleOptions, tiers: Tiers, call: Call) -> Decision:
    """The decision for one call."""
    known = call.caller.hint in options.order
    score = options.order.index(call.caller.hint) / (len(options.order) - 1) if known else 1.0
    wanted = tiers.names[-1] if score >= options.threshold else tiers.names[0]
    return tiers.to(tiers.nearest(call, wanted), score, f"hint {call.caller.hint or 'not given'}")
