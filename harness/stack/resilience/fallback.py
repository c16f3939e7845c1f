"""Fallback: an ordered chain of targets; each failure is on record, and when all have failed, so is that.

A target is left at its first failure that retrying did not heal, and the prompt is adapted to the next one by
its codec. A reply that breaks after its first event is treated as `after_first_token` says.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import Field

from ..core.call import Call, Next
from ..core.errors import ProviderError
from ..core.options import Options
from ..core.reply import Reply, replay
from ..core.target import Target
from .continuation import Continuation
from .failover import Attempted, allowed, first_answer
from .retry_budget import Grant

Order = Callable[[Call, Sequence[Target]], tuple[Target, ...]]
"""In which order a call's targets are tried."""


class FallbackOptions(Options):
    """`after_first_token` "continue": the partial answer goes to the next target as the beginning of its own,
    and the caller's stream simply goes on; "restart": the reply is held back until it is whole, and begun
    again elsewhere if it breaks, for callers that do not stream; "fail": the caller gets the error, with the
    text so far and what it cost. `max_continuations` 3 bounds the first two for one call.
    """

    after_first_token: Literal["continue", "restart", "fail"] = "continue"
    max_continuations: int = Field(default=3, ge=1)


class Fallback:
    """Tries `targets` in order, or in that of the call's route.

    Raises `AllProvidersFailed`, or the error itself if it is nobody's fault.

    `grant` asks the retry budget, which must agree to each attempt that mends a broken reply; `order` may put
    the targets in another order for a call.
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

    async def __call__(self, call: Call, next: Next) -> Reply:
        targets = call.routing.order or self._targets
        if self._order is not None and not call.routing.order:
            targets = self._order(call, targets)
        if self._options.after_first_token == "restart" and call.request.stream:
            return await self._restarted(call, targets, next)
        attempted, targets = Attempted(), allowed(call, targets)
        answering = await first_answer(call, targets, next, attempted)
        if not call.request.stream:
            return answering[1]
        source = Continuation(
            call,
            answering,
            targets,
            lambda again, targets, so_far: first_answer(again, targets, next, so_far),
            attempted,
            most=self._options.max_continuations if self._continues(call) else 0,
            grant=self._grant,
        )
        return Reply(await source.__anext__(), source)

    def _continues(self, call: Call) -> bool:
        """A router that asks others itself mends what breaks; half an answer is no use to it."""
        return self._options.after_first_token == "continue" and not call.routing.may_escalate

    async def _restarted(self, call: Call, targets: tuple[Target, ...], next: Next) -> Reply:
        """The events of the first reply that comes whole."""
        attempted, targets = Attempted(), allowed(call, targets)
        for left in reversed(range(self._options.max_continuations + 1)):
            target, reply = await first_answer(call, targets, next, attempted)
            try:
                async with reply:
                    first, *rest = [event async for event in reply]
                return Reply(first, replay(tuple(rest)))
            except ProviderError as error:
                attempted.add(target, error)
            targets = targets[targets.index(target) + 1 :]
            if not (left and targets) or (self._grant and not await self._grant()):
                break
            call = call.with_attempt(kind="fallback")
        raise attempted.error()
