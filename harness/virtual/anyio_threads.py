"""Hold virtual time while anyio's worker threads work, which the loop's executor does not know of.

`anyio.to_thread` is how Starlette and FastAPI run synchronous endpoints. Results of several such threads
arrive in the order in which the threads finish, which is not deterministic. A custom limiter that is held
across a virtual sleep blocks the run for ever: virtual time waits for the thread, the thread for the limiter.
"""

import asyncio
import importlib
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .loop import VirtualLoop

_METHOD = "run_sync_in_worker_thread"


@contextmanager
def anyio_threads_hold_time() -> Iterator[None]:
    """Inside, virtual time stands still while anyio's worker threads run; no effect without anyio."""
    if importlib.util.find_spec("anyio") is None:
        yield
        return
    # Imported here because anyio loads it at its first use, which may be inside the run.
    backend: Any = importlib.import_module("anyio._backends._asyncio").AsyncIOBackend
    original = backend.__dict__[_METHOD]

    async def held(cls: Any, *args: Any, **options: Any) -> Any:
        loop = asyncio.get_running_loop()
        work = original.__func__(cls, *args, **options)
        if not isinstance(loop, VirtualLoop):
            return await work
        with loop.hold_time():
            return await work

    setattr(backend, _METHOD, classmethod(held))
    try:
        yield
    finally:
        setattr(backend, _METHOD, original)
