"""From the `[route]` table to the layer: the only file that knows every policy."""

from dataclasses import dataclass
from typing import Literal

from ..call import Call, Layer, Target
from ..facts import CallFacts
from .always import always
from .heuristic import Heuristic
from .options import RouteOptions
from .route import Route
from .tiers import Decision, Tiers


@dataclass(frozen=True, slots=True)
class Always:
    """One tier for all calls; nothing to learn."""

    name: Literal["small", "large"]
    tiers: Tiers

    async def decide(self, call: Call) -> Decision:
        return always(self.name, self.tiers, call)

    def learn(self, facts: CallFacts) -> None:
        pass


def make_route(options: RouteOptions, targets: tuple[Target, ...]) -> Layer:
    """The layer that these options describe."""
    tiers = Tiers(options.tiers, targets)
    if options.policy == "heuristic":
        return Route(Heuristic(options.heuristic, tiers))
    return Route(Always(options.policy, tiers))
