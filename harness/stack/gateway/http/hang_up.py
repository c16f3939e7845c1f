"""Cancels the work on a request when its client hangs up."""

import asyncio
from collections.abc import Awaitable

from .asgi import Receive


async def until_hang_up(work: Awaitable[None], receive: Receive) -> None:
    """Await `work`; a client that disconnects cancels it at once, which is not an error here."""
    me = asyncio.current_task()
    assert me is not None
    hung_up = False

    async def watch() -> None:
        nonlocal hung_up
        while (await receive())["type"] != "http.disconnect":
            pass
        hung_up = True
        me.cancel()

    watcher = asyncio.create_task(watch())
    try:
        await work
    except asyncio.CancelledError:
        if not hung_up or me.uncancel() > 0:
            raise
    finally:
        watcher.cancel()
