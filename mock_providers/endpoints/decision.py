"""One request to an endpoint, and the decision about it: its plan, and how the plan becomes bytes."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..engine.state import Admission
from ..exchange.received import Instant, Received
from ..exchange.request_info import RequestInfo
from ..faults.base import FaultBase
from ..plan import Plan
from ..prices import Prices
from ..wire.dialect import Params, Stamp
from ..wire.rendering import Rendering


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision about one request.

    - `rendering`: the bytes of the reply; None: the plan is an error
    - `price`: of the model's tokens; None: free of charge
    - `admission`: to settle with limits and slots when the request ends; None: nothing to settle
    """

    info: RequestInfo
    plan: Plan
    stamp: Stamp
    rendering: Rendering | None = None
    price: Prices | None = None
    admission: Admission | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request to an endpoint; `params`: variable parts of its path, `faults`: the whole schedule."""

    info: RequestInfo
    received: Received
    params: Params
    instant: Instant
    faults: Sequence[FaultBase]
