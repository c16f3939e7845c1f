"""The `[route]` table of a stack."""

from typing import Literal

from pydantic import Field, field_validator

from ..options import Options
from .heuristic import HeuristicOptions

PolicyName = Literal["small", "large", "heuristic"]


class RouteOptions(Options):
    """`policy`: how the tier of a call is chosen. `tiers` ["small", "large"]: their names, smallest first;
    each target of the stack has one of them as its `tier`. A policy's own options are a table of its
    name, e.g. `[route.heuristic]`.
    """

    policy: PolicyName
    tiers: tuple[str, ...] = Field(default=("small", "large"), min_length=2)
    heuristic: HeuristicOptions = HeuristicOptions()

    @field_validator("tiers")
    @classmethod
    def _differ(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(dict.fromkeys(names)) < len(names):
            raise ValueError(f"expected names that differ, got {', '.join(names)}")
        return names
