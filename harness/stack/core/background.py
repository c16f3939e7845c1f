"""Tasks that may outlive the reply that started them: each has an owner, and ends with the stack.

A single-flight request whose leader has left, a refresh of a stale answer: each is a task of a `Background`.
The row of the call that started it waits for it (`CallFacts.when_over`): only then is its cost known.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Background:
    """The background tasks of one stack."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[Any], None] = {}  # in order

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start `work` as a task, and keep a reference until it is done."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)
        return task

    async def aclose(self) -> None:
        """Cancel running tasks and wait until they have settled what they held."""
        while self._tasks:
            running = list(self._tasks)
            for task in running:
                task.cancel()
            await asyncio.wait(running)
