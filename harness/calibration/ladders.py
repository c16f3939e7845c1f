"""The schedule of a calibration: a ladder of rising calls per second, and one of rising streams in flight.

A step's calls start at equal distances. In the gap between two steps the replies of the first end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.record.machine import Ladder

from ..load.plan import PlannedCall
from ..load.workload.catalogue import Question
from ..load.workload.prompt import make_prompt

TTFT_S = 0.2
TOKEN_S = 0.04
"""As the profile `steady` has them."""
SHORT_TOKENS = 5
GAP_S = 0.3
PROMPT_TOKENS = 200
FULL = ((0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0), (0.1, 0.25, 0.5, 0.75, 1.0), 2.0, 101)
QUICK = ((0.2, 0.5, 1.0), (1.0,), 1.0, 26)
"""Shares of the highest rate, of the most streams in flight, seconds of a step, tokens of a long reply."""


@dataclass(frozen=True, slots=True)
class Step:
    """`rate_per_s` calls for `length_s` seconds, each answered with `tokens` tokens."""

    ladder: Ladder
    rate_per_s: float
    length_s: float
    tokens: int

    @property
    def calls(self) -> int:
        return max(1, round(self.rate_per_s * self.length_s))

    @property
    def reply_s(self) -> float:
        return TTFT_S + TOKEN_S * (self.tokens - 1)

    @property
    def takes_s(self) -> float:
        return self.length_s + self.reply_s + GAP_S


@dataclass(frozen=True, slots=True)
class Ladders:
    """How a calibration climbs. Steps of `step_s` seconds; long replies of `long_tokens` tokens."""

    rates_per_s: tuple[float, ...]
    in_flight: tuple[int, ...]
    step_s: float
    long_tokens: int

    def steps(self, ladder: Ladder) -> tuple[Step, ...]:
        """The steps of one ladder, in the order in which they are played."""
        if ladder == "rate":
            return tuple(Step("rate", rate, self.step_s, SHORT_TOKENS) for rate in self.rates_per_s)
        start_s = TOKEN_S * (self.long_tokens - 1)  # all are open together before the first ends
        return tuple(
            Step("in_flight", open_ / start_s, start_s, self.long_tokens) for open_ in self.in_flight
        )


def ladders(max_rate_per_s: float, *, quick: bool) -> Ladders:
    """The ladders up to `max_rate_per_s`, about a minute long.

    Streams in flight rise to four times that number, started at no higher rate. `quick`: a sixth of the time,
    and only as many streams as the rate.
    """
    rates, open_, step_s, tokens = QUICK if quick else FULL
    most_open = max_rate_per_s * (TOKEN_S * (tokens - 1))
    return Ladders(
        tuple(dict.fromkeys(max(1.0, round(share * max_rate_per_s)) for share in rates)),
        tuple(dict.fromkeys(max(2, round(share * most_open)) for share in open_)),
        step_s=step_s,
        long_tokens=tokens,
    )


def plan_of(steps: Sequence[Step], question: Question) -> tuple[list[PlannedCall], list[int]]:
    """The calls of all steps, and for each the index of its step."""
    plan: list[PlannedCall] = []
    step_of: list[int] = []
    begins_s = 0.0
    for index, step in enumerate(steps):
        for nth in range(step.calls):
            plan.append(_call(len(plan), begins_s + nth / step.rate_per_s, step.tokens, question))
            step_of.append(index)
        begins_s += step.takes_s
    return plan, step_of


def _call(n: int, at_s: float, tokens: int, question: Question) -> PlannedCall:
    return PlannedCall(
        n=n,
        call_id=f"c{n:06d}",
        at_s=at_s,
        tenant="calibration",
        question_id=question.id,
        difficulty=question.difficulty,
        prompt=make_prompt("", question.question, PROMPT_TOKENS, tokens, n),
        expected=question.answer,
        max_tokens=4 * tokens,
        stream=True,
    )
