"""Where programs run: real processes and sockets, or virtual time in one process.

`run_virtual(main())` is `asyncio.run` on a virtual clock and an in-memory network: any asyncio client, any
SDK, hours in seconds, the same every time. `harness.virtual` has the details: links with a delay,
names, what was left behind. A run of a scenario asks for a `World` (`world.py`) and never learns which one it
got.
"""

from ..virtual import Deadlock, VirtualLoop, run_virtual

__all__ = ["Deadlock", "VirtualLoop", "run_virtual"]
