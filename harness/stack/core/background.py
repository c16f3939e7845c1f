"""Work that goes on when the reply it began with is over: it has an owner, and an end.

A flight whose leader has left, a refresh of an answer that grew stale: each is a task of a `Background`,
which ends with the stack. The row of the call that began it waits for it (`CallFacts.when_over`), for only
then is it known what that call cost.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Background:
    """The tasks that outlive what began them."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[Any], None] = {}  # in order

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task for `work`, held until it is done."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)
        return task

    async def aclose(self) -> None:
        """Cancel what still runs, and wait until it has settled what it held."""
        while self._tasks:
            running = list(self._tasks)
            for task in running:
                task.cancel()
            await asyncio.wait(running)
