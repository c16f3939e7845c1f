"""The base class of faults: which requests a fault hits, when and how often, and the registry of kinds.

A fault is a function from a Plan to a Plan; a few change how the plan is made (`FaultEffects`).
"""

from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field, model_validator

from ..errors import Errors
from ..exchange.draws import Draws
from ..exchange.keys import key_id
from ..exchange.names import EndpointName
from ..exchange.options import Options
from ..plan import Plan

Share = Annotated[float, Field(ge=0, le=1)]
Chunks = Annotated[int, Field(ge=0)]


class Refusals(NamedTuple):
    """How the provider refuses: its error replies, how long it takes to send one, the model that they
    name."""

    errors: Errors
    error_latency_s: float
    model: str = ""


class Target(NamedTuple):
    """The addressee of a request; `model` is None for a request that names none, `prefilled`: the reply is to
    continue an assistant message.
    """

    provider: str
    model: str | None
    endpoint: str
    key_id: str
    region: str
    prefilled: bool = False


class FaultEffects(NamedTuple):
    """The effects of faults on how a reply is planned.

    - `quality`: the share of the model's accuracy that is left
    - `cache_since_s`: what was written to the prompt cache before this time (since t = 0) is lost
    """

    quality: float = 1.0
    cache_since_s: float | None = None


class FaultBase(Options):
    """The fields and methods that all faults share.

    - `provider`, `model`, `endpoint`, `key`: only requests to these (default: all); a model by its id or an
      alias, an endpoint by its name in the ledger, a key itself or its name in the ledger (`key-1a2b3c`).
      With a `model` only requests that use it: replies, embeddings, token counts
    - `from_s`, `to_s`: requests received in [from_s, to_s) seconds since t = 0 (default: from 0 on, no end)
    - `first`: of these only the first N, counted at each provider (default: all)
    - `every`: `every = N` hits each N-th of these, beginning with the first (default 1)
    - `probability`: the share of those that is hit, drawn by the reply's identity (default 1)
    - `probability_to`: the share at `to_s`, reached from `probability` in a straight line (default: constant)
    """

    summary: ClassVar[str]
    """One line for `brownout list faults`."""
    position: ClassVar[int] = 1000
    """Place in lists of kinds; equal places are sorted by kind."""

    kind: Any
    provider: str | None = None
    model: str | None = None
    endpoint: EndpointName | None = None
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

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Register a class that has a kind of its own."""
        super().__pydantic_init_subclass__(**kwargs)
        kind = cls.model_fields["kind"].default
        if isinstance(kind, str):
            if kind in _registered:
                raise TypeError(
                    f"kind {kind!r}: {cls.__name__} and {_registered[kind].__name__} both have it"
                )
            _registered[kind] = cls

    def matches(self, target: Target, t_s: float) -> bool:
        """Whether a request received at `t_s` is one that the fault may hit."""
        return self.aims_at(target) and self.from_s <= t_s and (self.to_s is None or t_s < self.to_s)

    def aims_at(self, target: Target) -> bool:
        """Whether the fault may hit such a request at some time."""
        return (
            self.provider in (None, target.provider)
            and self.model in (None, target.model)
            and self.endpoint in (None, target.endpoint)
            and (self.key is None or target.key_id in (self.key, key_id(self.key)))
        )

    def triggers(self, t_s: float, draws: Draws, nth: int, count: int) -> bool:
        """Whether the `count`th (from 1) of the matching requests is hit.

        `draws` are the reply's own. `nth` counts the faults of this kind in the schedule, so that two of one
        kind draw independently and a fault of another kind changes no draw.
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
        """The effects with this fault's own, before the reply is planned (default: unchanged)."""
        return effects

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """The plan of a request that is hit (default: unchanged)."""
        return plan


_registered: dict[str, type[FaultBase]] = {}


def registered_kinds() -> dict[str, type[FaultBase]]:
    """Every fault class by its kind, in the order of `position`."""
    classes = sorted(_registered.items(), key=lambda item: (item[1].position, item[0]))
    return dict(classes)
