"""What all faults share: whom they hit, when, how often. A fault is a function from a Plan to a Plan."""

from abc import abstractmethod
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

    def strikes(self, provider: str, model: str, t_s: float, draws: Draws, nth: int) -> bool:
        """Whether a request received at `t_s` is struck.

        `draws` are the reply's own; `nth` counts the faults of this kind in the schedule, so that two of a
        kind draw apart and a fault of another kind shifts nothing.
        """
        if self.provider not in (None, provider) or self.model not in (None, model):
            return False
        if t_s < self.from_s or (self.to_s is not None and t_s >= self.to_s):
            return False
        return self.probability >= 1.0 or draws.uniform("fault", self.kind, nth) < self.probability

    @abstractmethod
    def apply(self, plan: Plan, scene: Scene) -> Plan:
        """The plan of a struck request."""
