"""The seam between a run and where it happens: a world measures one subject at a time.

A world serves the providers, starts the subject, plays the plan against it, and hands over what everybody
wrote down. Which clock and which sockets that takes is its own business: nothing above or below can tell.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

from harness.spec.subject import Subject

Row = dict[str, Any]

OnProgress = Callable[[str, int, int, int], None]
"""(subject, calls finished, calls planned, calls answered)"""


@dataclass(slots=True)
class Measured:
    """What one subject left behind: the client's rows, the stack's facts, the providers' ledger.

    Moments in `facts` are on the loop's clock, on which t = 0 was at `t0_s`; the others count from t = 0.
    `tells` is False for a subject that keeps no facts of its own (somebody's client).
    `reason` says why it is only a part of what was planned, None if it is whole. `generator` is what the load
    generator says about itself.
    """

    t0_s: float = 0.0
    client: list[Row] = field(default_factory=list)
    facts: list[Row] = field(default_factory=list)
    ledger: list[Row] = field(default_factory=list)
    generator: dict[str, Any] = field(default_factory=dict)
    tells: bool = True
    reason: str | None = None


class World(Protocol):
    """Used as a context manager: leaving it ends everything it started."""

    def measure(self, subject: Subject, on_progress: OnProgress) -> Measured:
        """The whole plan, or what was played of it before an interruption."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...
