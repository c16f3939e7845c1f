"""The pace of a streamed reply: when each chunk is due after the first token.

A speed drawn once per reply, jitter drawn per chunk; a pure function of the generator passed in.
"""

import math
import random
from bisect import bisect_left
from itertools import accumulate
from typing import Annotated, NamedTuple

from pydantic import Field, model_validator

from ..exchange.options import Options
from .distributions import Sigma


class Pace(Options):
    """Speed of a reply after its first token.

    - `tokens_per_s`: median speed over replies; `inf` sends everything with the first token (null where a
      profile is exported as JSON, which has no infinity)
    - `reply_sigma`: lognormal spread of the speed between replies (median kept)
    - `chunk_sigma`: lognormal spread of each gap within a reply (mean kept, so the speed holds)
    - `chunk_tokens`: fewest and most tokens per chunk, drawn uniformly (default 1 to 4)
    """

    tokens_per_s: Annotated[float, Field(gt=0, allow_inf_nan=True)]
    reply_sigma: Sigma = 0.25
    chunk_sigma: Sigma = 0.3
    chunk_tokens: Annotated[tuple[int, int], Field(strict=False)] = (1, 4)

    @model_validator(mode="after")
    def _ordered(self) -> "Pace":
        fewest, most = self.chunk_tokens
        if not 1 <= fewest <= most:
            raise ValueError(
                f"chunk_tokens: expected [fewest, most] with 1 <= fewest <= most, got {self.chunk_tokens}"
            )
        return self


class Chunk(NamedTuple):
    """`tokens` tokens due `due_s` after the request was received."""

    due_s: float
    tokens: int


def schedule(
    tokens: int, ttft_s: float, pace: Pace, rng: random.Random, slowdown: float = 1.0
) -> list[Chunk]:
    """Cut `tokens` into chunks: the first due at `ttft_s`, each later one after the time its tokens take.

    `slowdown` multiplies the gaps, for a provider under load. Without tokens there are no chunks.
    """
    sizes = _sizes(tokens, pace.chunk_tokens, rng)
    seconds_per_token = slowdown * math.exp(rng.gauss(0.0, pace.reply_sigma)) / pace.tokens_per_s
    if seconds_per_token == 0.0:
        return [Chunk(ttft_s, size) for size in sizes]
    sigma = pace.chunk_sigma
    keep_mean = -sigma * sigma / 2
    gauss, exp = rng.gauss, math.exp
    gaps = (size * seconds_per_token * exp(keep_mean + gauss(0.0, sigma)) for size in sizes[1:])
    return list(map(Chunk, accumulate(gaps, initial=ttft_s), sizes))


def _sizes(tokens: int, chunk_tokens: tuple[int, int], rng: random.Random) -> list[int]:
    fewest, most = chunk_tokens
    sizes: list[int] = []
    while (missing := tokens - sum(sizes)) > 0:
        # About as many draws as the mean size needs; the loop repeats for the rest.
        sizes += rng.choices(range(fewest, most + 1), k=1 + 2 * missing // (fewest + most))
    totals = list(accumulate(sizes))
    last = bisect_left(totals, tokens)
    del sizes[last + 1 :]
    if sizes:
        sizes[-1] -= totals[last] - tokens
    return sizes
