"""What all faults share: whom they hit, when, how often.

A fault is a function from a Plan to a Plan; a few change the circumstances under which the plan is made.
"""

from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import Field, model_validator

from ..errors import Errors
from ..exchange.draws import Draws
from ..exchange.keys import key_id
from ..exchange.options import Options
from ..plan import Plan

Share = Annotated[float, Field(ge=0, le=1)]
Chunks = Annotated[int, Field(ge=0)]
Endpoint = Literal[
    "chat.completions",
    "messages",
    "generate_content",
    "embeddings",
    "count_tokens",
    "models",
    "files",
    "batches",
]


class Refusals(NamedTuple):
    """What a fault may need of the provider it strikes: its refusals, and how long it takes to refuse."""

    errors: Errors
    error_latency_s: float


class Target(NamedTuple):
    """What a request is aimed at; `model` is None for a request that names none."""

    provider: str
    model: str | None
    endpoint: str
    key_id: str
    region: str


class FaultEffects(NamedTuple):
    """What a fault may change before a reply is planned.

    - `quality`: the share of the model's accuracy that is left
    - `cache_since_s`: what was written to the prompt cache before this time (since t = 0) is lost
    """

    quality: float = 1.0
    cache_since_s: float | None = None


class FaultBase(Options):
    """The common fields.

    - `provider`, `model`, `endpoint`, `key`: only these (default: all); a model by its id or an alias, an
      endpoint as the ledger names it, a key itself or by the ledger's name for it (`key-1a2b3c`). With a
      `model` only requests that ask it for something: replies, embeddings, counts of tokens
    - `from_s`, `to_s`: requests received in [from_s, to_s) seconds since t = 0 (default: from 0 on, no end)
    - `first`: of these requests only the first so many, counted at each provider (default: all)
    - `every`: of these only every so manieth, the first of them included (default 1)
    - `probability`: the share of those that are struck, drawn by the reply's identity (default 1)
    - `probability_to`: the share at `to_s`, to which it goes in a straight line (default: as at `from_s`)
    """

    summary: ClassVar[str]
    """One line for `brownout list`."""

    kind: Any
    provider: str | None = None
    model: str | None = None
    endpoint: Endpoint | None = None
    key: Annotated[str, Field(min_length=1)] | None = None
    from_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    to_s: Annotated[float, Field(gt=0)] | None = None
    first: Annotated[int, Field(gt=0)] | None = None
    every: Annotated[int, Field(gt=0)] = 1
    probability: Share = 1.0
    probability_to: Share | None = None

    @model_validator(mode="after")
    def _window_is_not_empty(self) -> "FaultBase":
        if self.to_s is not None and self.to_s <= self.from_s:
            raise ValueError(f"to_s: expected more than from_s ({self.from_s:g}), got {self.to_s:g}")
        if self.probability_to is not None and self.to_s is None:
            raise ValueError("probability_to: expected a to_s to go with it")
        return self

    def matches(self, target: Target, t_s: float) -> bool:
        """Whether a request received at `t_s` is one of those that may be struck."""
        return self.aims_at(target) and self.from_s <= t_s and (self.to_s is None or t_s < self.to_s)

    def aims_at(self, target: Target) -> bool:
        """The same, whenever it is received."""
        return (
            self.provider in (None, target.provider)
            and self.model in (None, target.model)
            and self.endpoint in (None, target.endpoint)
            and (self.key is None or target.key_id in (self.key, key_id(self.key)))
        )

    def triggers(self, t_s: float, draws: Draws, nth: int, count: int) -> bool:
        """Whether the `count`th (from 1) of these requests is struck.

        `draws` are the reply's own; `nth` counts the faults of this kind in the schedule, so that two of a
        kind draw apart and a fault of another kind shifts nothing.
        """
        if (self.first is not None and count > self.first) or (count - 1) % self.every:
            return False
        share = self._share(t_s)
        return share >= 1.0 or draws.uniform("fault", self.kind, nth) < share

    def _share(self, t_s: float) -> float:
        if self.probability_to is None or self.to_s is None:
            return self.probability
        passed = (t_s - self.from_s) / (self.to_s - self.from_s)
        return self.probability + (self.probability_to - self.probability) * passed

    def alter(self, effects: FaultEffects) -> FaultEffects:
        """The circumstances of a struck request; most faults leave them as they are."""
        return effects

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """The plan of a struck request; a fault that changes the circumstances leaves it as it is."""
        return plan
