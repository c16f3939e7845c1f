"""Rate limits as the providers describe them: what can be set, what a request asks, what a client is told.

One set of limits holds for one API key (`limits` of a model), another for all keys of an organisation
together (`organization_limits`); `rate_limiter` applies them.
"""

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
    """How fast traffic may grow: "ramp too fast" is a 429 while every other limit would pay.

    Admitted requests are counted in windows, the first of which begins with the first request. A window lets
    in at most `factor` times as many as the one before it, and `floor_per_min` in any case. OpenAI's rule of
    thumb is 50 % more every 15 minutes; what exactly the providers measure they do not say.

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
                f"window_s: expected at least {60.0 / self.floor_per_min:g}, so that a window lets one in"
            )
        return self


class Limits(Options):
    """Limits of one model for one API key or one organisation; one that is not given does not apply.

    - `requests_per_min`: RPM
    - `tokens_per_min`: TPM, charged max(max_tokens, prompt tokens) up front and never given back
    - `input_tokens_per_min`: charged the prompt's tokens up front
    - `output_tokens_per_min`: charged what was sent when the reply ends, on credit: a request is let in
      while anything is left. With `reserve_max_tokens` max_tokens is charged up front and the unused part
      given back at the end (the provider's documents describe both)
    - `cache_reads_count`: whether tokens read from the prompt cache count towards `input_tokens_per_min`
      (default true; Anthropic: false, while cache writes count)
    - `requests_per_day`, `tokens_per_day`: RPD and TPD, charged as RPM and TPM. Refilled continuously over
      86,400 s, as OpenAI does: its refusals at a limit of 1,000 and 10,000 a day ask for 86.4 s and 8.64 s
      (openai/openai-agents-js#1022). Gemini's fixed day, which ends at midnight Pacific time, is not played
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
    """What one request asks of the limits, in tokens.

    `max_tokens` is 0 when the request names none; `cached_input_tokens` of the `input_tokens` are read from
    the prompt cache.
    """

    input_tokens: int
    max_tokens: int = 0
    cached_input_tokens: int = 0


class Meter(NamedTuple):
    """One limit as a client may read it in response headers or in a refusal.

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

    `meters` are those that headers show: the per-minute limits, of each name the scope with the least left.
    """

    meters: tuple[Meter, ...] = ()
    refused_by: Meter | None = None
    wait_s: float = 0.0
