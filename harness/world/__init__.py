"""The two worlds a run is played in: real processes and sockets, or virtual time in one process.

`run_virtual(main())` is `asyncio.run` on a virtual clock and an in-memory network: any asyncio client, any
SDK, hours in seconds, with identical results each time; `harness.virtual` has the details. A run uses a
`World` (`world.py`) without knowing which one it is.
"""

from ..virtual import Deadlock, VirtualLoop, run_virtual

__all__ = ["Deadlock", "VirtualLoop", "run_virtual"]
