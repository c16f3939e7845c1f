"""Rate limits: their options, the demand of a request, and the meters that a client reads.

One set of limits holds for one API key (`limits` of a model), another for all keys of an organisation
together (`organization_limits`); `rate_limiter` applies them.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from ..exchange.options import Options, PositiveSeconds

PositiveInt = Annotated[int, Field(gt=0)]

Scope = Literal["key", "organization"]
LimitName = Literal[
    "requests",
    "tokens",
    "input_tokens",
    "output_tokens",
    "requests_per_day",
    "tokens_per_day",
    "concurrency",
    "ramp",
]


class Ramp(Options):
    """Limit on traffic growth: a 429 for ramping too fast, although every other limit has room.

    Admitted requests are counted in windows; the first begins with the first request. A window admits at most
    `factor` times as many as the window before, and always `floor_per_min`. OpenAI's rule of thumb is 50 %
    more every 15 minutes; the providers do not publish what they measure.

    - `floor_per_min`: always allowed, in requests per minute
    - `factor`: allowed growth from window to window (default 1.5)
    - `window_s`: length of a window (default 60)
    """

    floor_per_min: PositiveInt
    factor: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.5
    window_s: PositiveSeconds = 60.0

    @model_validator(mode="after")
    def _room_for_one(self) -> "Ramp":
        if self.floor_per_min * self.window_s < 60.0:
            raise ValueError(
                f"window_s: expected at least {60.0 / self.floor_per_min:g}, so that a window admits one"
            )
        return self


class Limits(Options):
    """Limits of one model for one API key or one organisation; an omitted limit does not apply.

    - `requests_per_min`: RPM
    - `tokens_per_min`: TPM, charged max(max_tokens, prompt tokens) up front, never refunded
    - `input_tokens_per_min`: charged the prompt tokens up front
    - `output_tokens_per_min`: charged the tokens sent when the reply ends; a request is admitted while any
      are left. With `reserve_max_tokens` max_tokens is reserved up front and the unused part refunded at the
      end (the provider's documents describe both)
    - `cache_reads_count`: whether tokens read from the prompt cache count towards `input_tokens_per_min`
      (default true; Anthropic: false, while cache writes count)
    - `requests_per_day`, `tokens_per_day`: RPD and TPD, charged as RPM and TPM. Refilled continuously over
      86,400 s, as OpenAI does: its refusals at a limit of 1,000 and 10,000 a day ask for 86.4 s and 8.64 s
      (openai/openai-agents-js#1022). Gemini's fixed day, which ends at midnight Pacific time, is not
      supported
    - `concurrency`: requests in flight at once
    - `ramp`: how fast traffic may grow
    - `burst_s`: seconds of a per-minute limit that its full bucket holds (default 60)
    """

    requests_per_min: PositiveInt | None = None
    tokens_per_min: PositiveInt | None = None
    input_tokens_per_min: PositiveInt | None = None
    output_tokens_per_min: PositiveInt | None = None
    reserve_max_tokens: bool = False
    cache_reads_count: bool = True
    requests_per_day: PositiveInt | None = None
    tokens_per_day: PositiveInt | None = None
    concurrency: PositiveInt | None = None
    ramp: Ramp | None = None
    burst_s: PositiveSeconds = 60.0

    @model_validator(mode="after")
    def _room_for_one(self) -> "Limits":
        for limit in (self.requests_per_min, self.output_tokens_per_min):
            if limit is not None and limit * self.burst_s < 60.0:
                raise ValueError(
                    f"burst_s: expected at least {60.0 / limit:g}, so that a full bucket holds one"
                )
        return self


class Demand(NamedTuple):
    """Tokens that one request needs of the limits.

    `max_tokens` is 0 when the request names none; `cached_input_tokens` of the `input_tokens` are read from
    the prompt cache.
    """

    input_tokens: int
    max_tokens: int = 0
    cached_input_tokens: int = 0


class Meter(NamedTuple):
    """One limit as response headers or a 429 report it.

    `limit` is per minute, per day, at once (concurrency) or per window (ramp), as the name says.
    """

    name: LimitName
    limit: int
    remaining: float
    until_full_s: float
    requested: int
    scope: Scope = "key"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Admitted, or refused by one limit (`refused_by`) for `wait_s` seconds (infinity: it never fits).

    `meters`, for the headers: the per-minute limits, for each name the scope with the least remaining.
    """

    meters: tuple[Meter, ...] = ()
    refused_by: Meter | None = None
    wait_s: float = 0.0

    @property
    def refusal(self) -> tuple[Meter, float | None]:
        """The limit that refused and the time to wait (s), None when the request never fits.

        Raises ValueError for an admitted request.
        """
        if self.refused_by is None:
            raise ValueError("an admitted request is not rate limited")
        return self.refused_by, None if math.isinf(self.wait_s) else self.wait_s
