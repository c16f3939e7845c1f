"""Policy `cascade`: ask the smallest tier, check its answer, and escalate to the next larger one if in doubt.

A tier below the last answers into a buffer, for a caller who has begun to read cannot be told another answer:
the first token is held back until the whole answer is judged, which `held_s` and the TTFT tell. A tier that
fails, before or after its first token, is left as one that is in doubt. The last tier streams as usual; when
it does not begin to answer, the best doubted answer there is is served after all.

The check is the text's own (`check.py`), then the `judge`, if there is one. What the rejected answers and the
judge's requests cost is the call's: they are attempts like any other. Source: L. Chen, M. Zaharia and J. Zou,
"FrugalGPT", arXiv 2305.05176.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from ..core.call import Call, Next
from ..core.errors import AllProvidersFailed, StackError
from ..core.options import Options
from ..core.reply import Answer, Event, Reply, replay
from ..core.target import Target
from .check import CheckOptions, doubt
from .route import note
from .tiers import Decision, Tiers

Judge = Callable[[Call, Answer, Next], Awaitable[str | None]]
"""Why an answer should not be served, or None. The call it gets is addressed to the tier that answered; it
may ask that tier, or others, through `Next`: such requests are the call's attempts, of kind "judge". A judge
that fails leaves the answer in doubt."""


class CascadeOptions(Options):
    """`check`: what the text itself is checked for."""

    check: CheckOptions = CheckOptions()


@dataclass(frozen=True, slots=True)
class Kept:
    """A whole answer that is in doubt, whose it is, and when it began."""

    events: tuple[Event, ...]
    decision: Decision
    began_s: float


@dataclass(slots=True)
class Climb:
    """One call's way up: why each tier below was left, and the best whole answer so far."""

    left: list[str] = field(default_factory=list)
    failures: list[tuple[str, StackError]] = field(default_factory=list)
    kept: Kept | None = None

    def failed(self, targets: tuple[Target, ...], error: StackError) -> None:
        """A tier came to nothing."""
        one = ((targets[0].name, error),)
        self.failures += error.failures if isinstance(error, AllProvidersFailed) else one
        self.left.append(f"{targets[0].tier}: {error.kind}")

    def error(self, last: StackError) -> StackError:
        """What to tell a caller whom nobody answered: every failure, when there were several tiers."""
        return last if len(self.failures) < 2 else AllProvidersFailed(tuple(self.failures))


class Cascade:
    """Climbs the tiers until an answer holds."""

    name = "cascade"

    def __init__(self, options: CascadeOptions, tiers: Tiers, judge: Judge | None = None) -> None:
        self._options = options
        self._tiers = tiers
        self._judge = judge

    async def __call__(self, call: Call, next: Next) -> Reply:
        *lower, last = self._tiers.suited(call)
        climb = Climb()
        for tier in lower:
            call.facts.escalated = bool(climb.left)
            reply = await self._below(self._asked(call, tier, climb), next, climb)
            if reply is not None:
                return reply
        call.facts.escalated = bool(climb.left)
        return await self._last(self._asked(call, last, climb, at_last=True), next, climb)

    def _asked(self, call: Call, tier: str, climb: Climb, *, at_last: bool = False) -> Call:
        """The call as one tier gets it. The last one's fallback is every other target, unless there is a
        doubted answer, which is as good and costs nothing more.
        """
        decision = self._tiers.to(tier, why=", ".join(climb.left))
        alone = not at_last or climb.kept is not None
        order = self._tiers.of(tier) if alone else decision.order
        note(call.facts, self.name, replace(decision, order=order))
        kind = "escalate" if climb.left else call.attempt.kind
        return call.with_routing(order=order, may_escalate=not at_last).with_attempt(kind=kind)

    async def _below(self, call: Call, next: Next, climb: Climb) -> Reply | None:
        """The answer of a tier that is not the last, if it holds."""
        targets, loop = call.routing.order, asyncio.get_running_loop()
        decision = self._tiers.to(targets[0].tier)
        try:
            async with await next(call) as reply:
                began_s = loop.time()
                events = tuple([event async for event in reply])
        except StackError as error:
            if not error.row.next_target:
                return self._served(call, climb, error)
            climb.failed(targets, error)
            return None
        why = await self._doubt(call, Answer.of(events), next)
        if why is None:
            return _released(call, events, began_s)
        climb.kept = Kept(events, decision, began_s)
        climb.left.append(f"{decision.tier}: {why}")
        return None

    async def _last(self, call: Call, next: Next, climb: Climb) -> Reply:
        try:
            return await next(call)
        except StackError as error:
            if error.row.next_target:
                climb.failed(call.routing.order, error)
                error = climb.error(error)
            return self._served(call, climb, error)

    def _served(self, call: Call, climb: Climb, error: StackError) -> Reply:
        """The best answer there is, when no better one will come; raises `error` if there is none."""
        if climb.kept is None:
            raise error
        kept = climb.kept
        why = f"served in doubt: {', '.join(climb.left)}"
        note(call.facts, self.name, replace(kept.decision, why=why))
        return _released(call, kept.events, kept.began_s)

    async def _doubt(self, call: Call, answer: Answer, next: Next) -> str | None:
        why = doubt(self._options.check, call, answer)
        if why is not None or self._judge is None:
            return why
        try:
            return await self._judge(call.with_attempt(kind="judge"), answer, next)
        except StackError as error:
            return f"could not be judged ({error.kind})"


def _released(call: Call, events: tuple[Event, ...], began_s: float) -> Reply:
    """An answer that was held back since `began_s`."""
    call.facts.held_s = asyncio.get_running_loop().time() - began_s
    return Reply(events[0], replay(events[1:]))
