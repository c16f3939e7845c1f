"""The faults of a schedule that hit one request, and their effect on its plan."""

from collections import Counter
from collections.abc import Sequence

from ..exchange.draws import Draws
from ..plan import Plan
from .base import FaultBase, FaultEffects, Refusals, Target


def matching_faults(
    faults: Sequence[FaultBase], target: Target, t_s: float, draws: Draws, counts: Counter[int]
) -> tuple[FaultBase, ...]:
    """The faults that hit a request received at `t_s`, in the schedule's order.

    `draws` are the reply's own. `counts` holds how many requests each fault, by its index, has matched so
    far; this request is added.
    """
    of_kind: Counter[str] = Counter()
    matched = []
    for index, fault in enumerate(faults):
        nth = of_kind[fault.kind]
        of_kind[fault.kind] += 1
        if fault.matches(target, t_s):
            counts[index] += 1
            if fault.triggers(t_s, draws, nth, counts[index]):
                matched.append(fault)
    return tuple(matched)


def effects_of(matched: Sequence[FaultBase]) -> FaultEffects:
    """The combined effects of these faults on how the reply is planned."""
    effects = FaultEffects()
    for fault in matched:
        effects = fault.alter(effects)
    return effects


def apply_faults(matched: Sequence[FaultBase], plan: Plan, refusals: Refusals) -> Plan:
    """The plan after these faults in turn, until one of them has ended the reply."""
    for fault in matched:
        if not plan.decided:
            plan = fault.apply(plan, refusals)
    return plan
