"""Policy `oracle`: knows how hard each question is, because the caller says so (`Call.hint`).

No router of real traffic can; it is the upper bound that others are measured by. A gateway's client says it
in the header `x-brownout-hint`.
"""

from ..call import Call
from ..options import Options
from .tiers import Decision, Tiers


class OracleOptions(Options):
    """`small` ["easy"]: the hints for which the smallest tier is asked; all others, and none, are for the
    largest.
    """

    small: tuple[str, ...] = ("easy",)


def oracle(options: OracleOptions, tiers: Tiers, call: Call) -> Decision:
    """The decision for one call; its score is 0 for the smallest tier and 1 for the largest."""
    easy = call.hint in options.small
    wanted = tiers.names[0] if easy else tiers.names[-1]
    return tiers.to(tiers.nearest(call, wanted), 0.0 if easy else 1.0, f"hint {call.hint or 'not given'}")
