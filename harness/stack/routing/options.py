"""The `[route]` table of a stack."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from ..config.options import Options
from .cascade import CascadeOptions
from .heuristic import HeuristicOptions
from .latency import LatencyOptions
from .oracle import OracleOptions
from .price import CostOptions

PolicyName = Literal["small", "large", "heuristic", "cascade", "latency", "cost", "oracle"]


class RouteOptions(Options):
    """`policy`: how the tier of a call is chosen. `tiers` ["small", "large"]: the tiers' names, smallest
    first; each target of the stack names one of them as its `tier`. A policy's own options are in the table
    of its name, e.g. `[route.heuristic]`.
    """

    policy: PolicyName
    tiers: tuple[str, ...] = Field(default=("small", "large"), min_length=2)
    heuristic: HeuristicOptions = HeuristicOptions()
    cascade: CascadeOptions = CascadeOptions()
    latency: LatencyOptions = LatencyOptions()
    cost: CostOptions = CostOptions()
    oracle: OracleOptions = OracleOptions()

    @field_validator("tiers")
    @classmethod
    def _unique_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(dict.fromkeys(names)) < len(names):
            raise ValueError(f"expected names that differ, got {', '.join(names)}")
        return names

    @model_validator(mode="after")
    def _least_tiers_exist(self) -> "RouteOptions":
        for table, least in (("latency", self.latency.at_least), ("cost", self.cost.at_least)):
            if least and least not in self.tiers:
                raise ValueError(
                    f"{table}.at_least: expected one of {', '.join(self.tiers)}, found {least!r}"
                )
        return self
