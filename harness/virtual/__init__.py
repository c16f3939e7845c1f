"""Virtual time: unmodified asyncio programs run in one process, hours in seconds, the same every time.

`run_virtual(main())` is asyncio.run on a `VirtualLoop`: its clock jumps to the next timer whenever nothing is
ready, its network is in memory, and `time.time`, `monotonic` and `perf_counter` follow it.

Tried on CPython 3.11, 3.12 and 3.13, with equal records; not on the free-threaded build nor on other
implementations. `VirtualLoop()` raises `UntriedInterpreter` elsewhere, because these private parts are used:

- asyncio's loop: `_run_once` and `_timer_handle_cancelled`; `_ready`, `_stopping`, `_closed`, `_debug`,
  `_thread_id`, `_timer_cancelled_count`, `_default_executor`, `_selector`, `_internal_fds`,
  `_signal_handlers`; `_check_closed()`, `_check_default_executor()`, `_process_events()`, `_write_to_self()`
- asyncio's handles: all fields of `Handle` and `TimerHandle`
- anyio, where it is installed: `AsyncIOBackend.run_sync_in_worker_thread` of `anyio._backends._asyncio`
- clocks that libraries took with `from time import ...`: `BOUND_AT_IMPORT`
"""

from .clock import BOUND_AT_IMPORT, DEFAULT_EPOCH_S, virtual_clock
from .deadlock import Deadlock
from .interpreter import UntriedInterpreter, check_interpreter
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
    "UntriedInterpreter",
    "VirtualLoop",
    "check_interpreter",
    "run_virtual",
    "virtual_clock",
]
