"""The interface between a run and the world it is played in: a world measures one subject at a time.

A world serves the providers, starts the subject, plays the plan against it, and returns the rows of client,
stack and providers. Code above and below does not depend on its clock and its sockets.
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
    """The rows of one subject: the client's rows, the stack's facts, the providers' ledger.

    Times in `facts` are on the loop's clock, on which t = 0 is `t0_s`; the others are seconds since t = 0.
    `reports_facts` is False for a subject without facts of its own (a Python client). `reason` says why the
    rows are incomplete, None if they are complete; `broken`: not because the user stopped the run.
    `generator` holds the load generator's notes. `started`: how many calls of the plan the generator got to,
    None where that is not known. `client_errors`: exceptions of the user's own client, as
    `ClientErrors.as_rows` has them.
    """

    t0_s: float = 0.0
    client: list[Row] = field(default_factory=list)
    facts: list[Row] = field(default_factory=list)
    ledger: list[Row] = field(default_factory=list)
    generator: dict[str, Any] = field(default_factory=dict)
    reports_facts: bool = True
    reason: str | None = None
    broken: bool = False
    started: int | None = None
    client_errors: list[Row] = field(default_factory=list)


class World(Protocol):
    """A context manager: leaving it ends everything that it started."""

    def measure(self, subject: Subject, on_progress: OnProgress) -> Measured:
        """Play the whole plan, or as much of it as an interruption allows."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...
