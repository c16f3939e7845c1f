"""Models that reason before they answer: when they give a sign, and how much of the output is reasoning."""

import numpy as np

from reports.stats.intervals import Floats

from .basis.facts import Facts, floats
from .basis.registry import COST, LATENCY, metric, percentiles


@percentiles("first_sign_s", 50, 95, group=LATENCY, label="First sign", minor=[50, 95], needs=["attempts"])
def first_sign_s(facts: Facts) -> Floats:
    """Time to first sign: planned start to the first event of the reply, reasoning included, successful
    calls. TTFT is the time to the first word; the two differ where a model streams its reasoning."""
    answer = facts.answering
    signs = dict(zip(answer["call_id"], floats(answer, "sign_s"), strict=True))
    sign_s = facts.calls["call_id"].map(signs).to_numpy(dtype=np.float64) - facts.planned_s
    return np.where(facts.success, np.where(np.isnan(sign_s), facts.ttft_s, sign_s), np.nan)


@metric(
    "reasoning_share",
    group=COST,
    label="Reasoning in the output",
    unit="share",
    minor=True,
    needs=["attempts"],
)
def reasoning_share(facts: Facts) -> float | None:
    """Reasoning tokens, of the output tokens of the attempts that answered."""
    output = float(floats(facts.answering, "output_tokens").sum())
    return float(np.nansum(floats(facts.answering, "reasoning_tokens"))) / output if output else None
