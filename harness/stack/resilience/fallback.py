"""Fallback: an ordered chain of targets; the error of a call that all of them failed lists each failure.

The next target is tried at the first failure that retrying did not heal; its codec adapts the prompt. A reply
that breaks after its first event is handled by `after_first_token`.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import Field

from ..config.options import Options
from ..core.call import Call, Next
from ..core.errors import ProviderError
from ..core.reply import Reply, replay
from ..core.target import Target
from .continuation import Continuation
from .failover import FailureLog, allowed, first_answer
from .retry_budget import Grant

Order = Callable[[Call, Sequence[Target]], tuple[Target, ...]]
"""The order in which a call's targets are tried."""


class FallbackOptions(Options):
    """`after_first_token` "continue": the partial answer is the next target's prefill, and the caller's
    stream goes on; "restart": the reply is buffered until it is complete, and restarted at the next target if
    it breaks; "fail": the caller gets the error, with the text so far and its cost. `max_continuations` 3:
    most continuations or restarts of one call.
    """

    after_first_token: Literal["continue", "restart", "fail"] = "continue"
    max_continuations: int = Field(default=3, ge=1)


class Fallback:
    """Tries `targets` in order, or in the order of the call's routing.

    Raises `AllProvidersFailed`, or the error itself if another target could not do better. `grant` asks the
    retry budget before each continuation or restart; `order` may reorder the targets for a call.
    """

    def __init__(
        self,
        targets: tuple[Target, ...],
        options: FallbackOptions | None = None,
        grant: Grant | None = None,
        order: Order | None = None,
    ) -> None:
        self._targets = targets
        self._order = order
        self._options = options or FallbackOptions()
        self._grant = grant
        self._refusing_prefill: set[str] = set()

    async def __call__(self, call: Call, next: Next) -> Reply:
        targets = call.routing.order or self._targets
        if self._order is not None and not call.routing.order:
            targets = self._order(call, targets)
        if self._options.after_first_token == "restart" and call.request.stream:
            return await self._restarted(call, targets, next)
        log, targets = FailureLog(), allowed(call, targets)
        answering = await first_answer(call, targets, next, log)
        if not call.request.stream:
            return answering[1]
        source = Continuation(
            call,
            answering,
            targets,
            lambda call, targets, log: first_answer(call, targets, next, log),
            most=self._options.max_continuations if self._continues(call) else 0,
            grant=self._grant,
            refusing=self._refusing_prefill,
        )
        return Reply(await source.__anext__(), source)

    def _continues(self, call: Call) -> bool:
        """Not for a router that may escalate: it asks other targets itself."""
        return self._options.after_first_token == "continue" and not call.routing.may_escalate

    async def _restarted(self, call: Call, targets: tuple[Target, ...], next: Next) -> Reply:
        """The events of the first reply that is complete. Its first event is held back until then."""
        log, targets = FailureLog(), allowed(call, targets)
        now = asyncio.get_running_loop().time
        for left in reversed(range(self._options.max_continuations + 1)):
            target, reply = await first_answer(call, targets, next, log)
            log.accepted = True
            began_s = now()
            try:
                async with reply:
                    first, *rest = [event async for event in reply]
                call.facts.held_s = now() - began_s
                return Reply(first, replay(tuple(rest)))
            except ProviderError as error:
                log.add(target, error)
            targets = targets[targets.index(target) + 1 :]
            if not (left and targets) or (self._grant and not await self._grant()):
                break
            call = call.with_attempt(kind="fallback")
        raise log.error()
