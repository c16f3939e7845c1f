"""Policy `cascade`: ask the smallest tier, check its answer, escalate to the next larger tier if it fails.

The answer of every tier but the last is buffered, since a reply cannot be withdrawn once the caller reads it:
the first token is held back until the whole answer is judged (`held_s`; the TTFT contains it). A tier that
fails, before or after its first token, is escalated like a rejected answer. The last tier streams as usual;
if it fails before its first token, the latest rejected answer is served after all.

Answers are checked by their text (`check.py`), then by the `judge`, if there is one. Rejected answers and the
judge's requests are attempts of the call and count into its cost. Source: L. Chen, M. Zaharia and J. Zou,
"FrugalGPT", arXiv 2305.05176.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from ..config.options import Options
from ..core.call import Call, Next
from ..core.errors import AllProvidersFailed, StackError
from ..core.reply import Answer, Event, Reply, replay
from ..core.target import Target
from .check import CheckOptions, reject_reason
from .route import note
from .tiers import Decision, Tiers

Judge = Callable[[Call, Answer, Next], Awaitable[str | None]]
"""Returns why an answer should not be served, or None. Its call is addressed to the tier that answered;
requests that it makes through `Next` are attempts of the call, of kind "judge". If the judge fails, the
answer is rejected."""


class CascadeOptions(Options):
    """`check`: the checks of an answer's text."""

    check: CheckOptions = CheckOptions()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rejected whole answer, its decision, and when it began; served if no better one comes."""

    events: tuple[Event, ...]
    decision: Decision
    began_s: float


@dataclass(slots=True)
class Escalation:
    """One call's escalation: why each tier was left, and the latest rejected answer."""

    reasons: list[str] = field(default_factory=list)
    failures: list[tuple[str, StackError]] = field(default_factory=list)
    candidate: Candidate | None = None

    def failed(self, targets: tuple[Target, ...], error: StackError) -> None:
        """Note that a tier failed."""
        one = ((targets[0].name, error),)
        self.failures += error.failures if isinstance(error, AllProvidersFailed) else one
        self.reasons.append(f"{targets[0].tier}: {error.kind}")

    def error(self, last: StackError) -> StackError:
        """The error of a call that no tier answered: with several failures, `AllProvidersFailed`."""
        return last if len(self.failures) < 2 else AllProvidersFailed(tuple(self.failures))


class Cascade:
    """Escalates through the tiers until an answer passes its checks."""

    name = "cascade"

    def __init__(self, options: CascadeOptions, tiers: Tiers, judge: Judge | None = None) -> None:
        self._options = options
        self._tiers = tiers
        self._judge = judge

    async def __call__(self, call: Call, next: Next) -> Reply:
        *lower, last = self._tiers.suited(call)
        escalation = Escalation()
        for tier in lower:
            call.facts.escalated = bool(escalation.reasons)
            reply = await self._lower_tier(self._call_for(call, tier, escalation), next, escalation)
            if reply is not None:
                return reply
        call.facts.escalated = bool(escalation.reasons)
        return await self._last_tier(self._call_for(call, last, escalation, at_last=True), next, escalation)

    def _call_for(self, call: Call, tier: str, escalation: Escalation, *, at_last: bool = False) -> Call:
        """The call, addressed to one tier. The last tier falls back to all other targets, unless there is a
        candidate, which is as good and costs nothing more.
        """
        decision = self._tiers.to(tier, why=", ".join(escalation.reasons))
        alone = not at_last or escalation.candidate is not None
        order = self._tiers.of(tier) if alone else decision.order
        note(call.facts, self.name, replace(decision, order=order))
        kind = "escalate" if escalation.reasons else call.attempt.kind
        return call.with_routing(order=order, may_escalate=not at_last).with_attempt(kind=kind)

    async def _lower_tier(self, call: Call, next: Next, escalation: Escalation) -> Reply | None:
        """The answer of a tier below the last; None if it failed or was rejected."""
        targets, loop = call.routing.order, asyncio.get_running_loop()
        decision = self._tiers.to(targets[0].tier)
        try:
            async with await next(call) as reply:
                began_s = loop.time() - (call.facts.held_s or 0.0)
                call.facts.held_s = None  # of a layer within; it counts if this answer is served
                events = tuple([event async for event in reply])
        except StackError as error:
            if not error.row.next_target:
                return self._serve_candidate(call, escalation, error)
            escalation.failed(targets, error)
            return None
        why = await self._reject_reason(call, Answer.of(events), next)
        if why is None:
            return _release(call, events, began_s)
        escalation.candidate = Candidate(events, decision, began_s)
        escalation.reasons.append(f"{decision.tier}: {why}")
        return None

    async def _last_tier(self, call: Call, next: Next, escalation: Escalation) -> Reply:
        try:
            return await next(call)
        except StackError as error:
            if error.row.next_target:
                escalation.failed(call.routing.order, error)
                error = escalation.error(error)
            return self._serve_candidate(call, escalation, error)

    def _serve_candidate(self, call: Call, escalation: Escalation, error: StackError) -> Reply:
        """The candidate, when no better answer will come; raises `error` if there is none."""
        if escalation.candidate is None:
            raise error
        candidate = escalation.candidate
        why = f"served in doubt: {', '.join(escalation.reasons)}"
        note(call.facts, self.name, replace(candidate.decision, why=why))
        return _release(call, candidate.events, candidate.began_s)

    async def _reject_reason(self, call: Call, answer: Answer, next: Next) -> str | None:
        why = reject_reason(self._options.check, call, answer)
        if why is not None or self._judge is None:
            return why
        try:
            return await self._judge(call.with_attempt(kind="judge"), answer, next)
        except StackError as error:
            return f"could not be judged ({error.kind})"


def _release(call: Call, events: tuple[Event, ...], began_s: float) -> Reply:
    """The reply with an answer that was held back since `began_s`."""
    call.facts.held_s = asyncio.get_running_loop().time() - began_s
    return Reply(events[0], replay(events[1:]))
