"""Conversations of several turns, planned before the run.

Turns are open loop: a user asks again after a drawn time, independent of the reply. The history of a later
turn has the right answers in the planned lengths, so that all subjects get the same prompts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log
from typing import Annotated

from pydantic import Field

from ..draws import IdentityPart, unit
from ..strict import StrictModel

_LEAST_PAUSE = 0.5
"""The shortest pause between turns, as a share of the mean."""


class SessionOptions(StrictModel):
    """`sessions = { turns = 6 }`: each arrival is a user with so many turns.

    | key | default | meaning |
    | --- | --- | --- |
    | `turns` | required | calls of a session, 1 to 200 |
    | `think_s` | 20 | mean seconds from a turn's start to the next; at least half of it, then exponential |
    | `history_turns` | 0 | turns before a session's first call, 0 to 200: history from the start |
    """

    turns: Annotated[int, Field(ge=1, le=200)]
    think_s: Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)] = 20.0
    history_turns: Annotated[int, Field(ge=0, le=200)] = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """One question of a user. `key` names it in draws; `at_s` is None for a turn of the history."""

    at_s: float | None
    key: tuple[IdentityPart, ...]


def conversations(
    times: Sequence[float], options: SessionOptions | None, seed: int
) -> Iterator[tuple[Turn, ...]]:
    """The turns of each arrival, in order; without sessions each arrival is one turn, keyed by its number."""
    for n, at_s in enumerate(times):
        yield (Turn(at_s, (n,)),) if options is None else tuple(_turns(n, at_s, options, seed))


def _turns(session: int, at_s: float, options: SessionOptions, seed: int) -> Iterator[Turn]:
    for nth in range(options.history_turns + options.turns):
        key = (session, "turn", nth)
        yield Turn(None if nth < options.history_turns else at_s, key)
        if nth >= options.history_turns:
            wait = _LEAST_PAUSE - (1.0 - _LEAST_PAUSE) * log(unit(seed, "think", *key))
            at_s += options.think_s * wait
