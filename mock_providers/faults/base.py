"""What all faults share: whom they hit, when, how often.

A fault is a function from a Plan to a Plan; a few change the circumstances under which the plan is made.
"""

from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field, model_validator

from ..draws import Draws
from ..latency import Options
from ..plan import Plan
from ..wire.dialect import Errors


class Scene(NamedTuple):
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


class Circumstances(NamedTuple):
    """What a fault may change before a reply is planned.

    - `quality`: the share of the model's accuracy that is left
    - `cache_since_s`: what was written to the prompt cache before this time (since t = 0) is lost
    """

    quality: float = 1.0
    cache_since_s: float | None = None


class FaultBase(Options):
    """The common fields.

    - `provider`, `model`: only these (default: all); a model by its id or an alias
    - `from_s`, `to_s`: requests received in [from_s, to_s) seconds since t = 0 (default: from 0 on, no end)
    - `probability`: the share of those requests that are struck, drawn by the reply's identity (default 1)
    """

    summary: ClassVar[str]
    """One line for `brownout list`."""

    kind: Any
    provider: str | None = None
    model: str | None = None
    from_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    to_s: Annotated[float, Field(gt=0)] | None = None
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0

    @model_validator(mode="after")
    def _window_is_not_empty(self) -> "FaultBase":
        if self.to_s is not None and self.to_s <= self.from_s:
            raise ValueError(f"to_s: expected more than from_s ({self.from_s:g}), got {self.to_s:g}")
        return self

    def strikes(self, target: Target, t_s: float, draws: Draws, nth: int) -> bool:
        """Whether a request received at `t_s` is struck.

        `draws` are the reply's own; `nth` counts the faults of this kind in the schedule, so that two of a
        kind draw apart and a fault of another kind shifts nothing.
        """
        if self.provider not in (None, target.provider) or self.model not in (None, target.model):
            return False
        if t_s < self.from_s or (self.to_s is not None and t_s >= self.to_s):
            return False
        return self.probability >= 1.0 or draws.uniform("fault", self.kind, nth) < self.probability

    def alter(self, circumstances: Circumstances) -> Circumstances:
        """The circumstances of a struck request; most faults leave them as they are."""
        return circumstances

    def apply(self, plan: Plan, scene: Scene) -> Plan:
        """The plan of a struck request; a fault that changes the circumstances leaves it as it is."""
        return plan
