"""Policy `oracle`: knows how hard each question is, because the caller says so (`Call.hint`).

No router of real traffic can; it is what deciding before anybody has answered can be worth at best. A cascade
may do better, for it has seen an answer. A gateway's client says the hint in the header `x-brownout-hint`.
"""

from pydantic import Field

from ..core.call import Call
from ..core.options import Options
from .tiers import Decision, Tiers


class OracleOptions(Options):
    """`order` ["easy", "medium", "hard"]: the hints, easiest first, which score from 0 to 1 in equal steps
    (no hint, or another, scores 1); from `threshold` 0.5 on the largest tier is asked, below it the smallest.
    """

    order: tuple[str, ...] = Field(default=("easy", "medium", "hard"), min_length=2)
    threshold: float = Field(default=0.5, ge=0, le=1)


def oracle(options: OracleOptions, tiers: Tiers, call: Call) -> Decision:
    """The decision for one call."""
    known = call.caller.hint in options.order
    score = options.order.index(call.caller.hint) / (len(options.order) - 1) if known else 1.0
    wanted = tiers.names[-1] if score >= options.threshold else tiers.names[0]
    return tiers.to(tiers.nearest(call, wanted), score, f"hint {call.caller.hint or 'not given'}")
