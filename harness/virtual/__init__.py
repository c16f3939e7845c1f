"""Virtual time: unmodified asyncio programs run in one process, hours in seconds, the same every time.

`run_virtual(main())` is asyncio.run on a `VirtualLoop`: its clock jumps to the next timer whenever nothing is
ready, its network is in memory, and `time.time`, `monotonic` and `perf_counter` follow it.
"""

from .clock import BOUND_AT_IMPORT, DEFAULT_EPOCH_S, virtual_clock
from .deadlock import Deadlock
from .leak_report import LeakReport
from .loop import VirtualLoop
from .net.connection import Link
from .net.medium import Delay
from .net.network import Network
from .net.transport import MemoryTransport
from .runner import run_virtual

__all__ = [
    "BOUND_AT_IMPORT",
    "DEFAULT_EPOCH_S",
    "Deadlock",
    "Delay",
    "LeakReport",
    "Link",
    "MemoryTransport",
    "Network",
    "VirtualLoop",
    "run_virtual",
    "virtual_clock",
]
