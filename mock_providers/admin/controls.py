"""The part of the mock that the admin API uses: `MockApp` is one."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from ..exchange.received import Instant
from ..faults.base import FaultBase
from ..ledger.ledger import Ledger
from ..profile import Profile
from ..scripts import Script


class MockControls(Protocol):
    """Read and control the providers of one mock; see `MockApp` for the methods without docstrings."""

    profile: Profile

    @property
    def seed(self) -> int: ...
    @property
    def started_at(self) -> float | None:
        """t = 0 on the loop's clock, None until it is set."""
        ...

    @property
    def faults(self) -> Sequence[FaultBase]: ...
    @property
    def script(self) -> Script: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def in_flight(self) -> int: ...

    def instant(self) -> Instant:
        """Now; sets t = 0 when nothing has set it before."""
        ...

    def start(self, at_s: float | None = None) -> float: ...
    def reset(self, seed: int | None = None) -> None: ...
    def set_faults(self, faults: Iterable[FaultBase]) -> None: ...
    def set_script(self, script: Script) -> None: ...
