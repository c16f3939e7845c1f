"""Policies `small` and `large`: every call goes to the smallest, or to the largest, tier that can take it.

They are the two ends of a quality-cost curve: baselines for what a router saves and what quality it costs.
"""

from typing import Literal

from ..core.call import Call
from .tiers import Decision, Tiers


def always(which: Literal["small", "large"], tiers: Tiers, call: Call) -> Decision:
    """The decision for any call."""
    wanted = tiers.names[0] if which == "small" else tiers.names[-1]
    tier = tiers.nearest(call, wanted)
    return tiers.to(tier, why=f"always {which}")
