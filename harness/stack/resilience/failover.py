"""Failover: try a chain of targets until one begins to answer, and record why the others did not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from ..core.call import Call, Next
from ..core.eligibility import unsuitable
from ..core.errors import AllProvidersFailed, ProviderError, Rejected, StackError
from ..core.kinds import ATTEMPT_KINDS
from ..core.reply import Reply
from ..core.target import Target

Failure = tuple[Target, StackError]


@dataclass(slots=True)
class FailureLog:
    """The targets that were tried or skipped, in order, and the error of each.

    `accepted`: a target has answered this request before, so that a refusal of it is the refusing target's.
    """

    failures: list[Failure] = field(default_factory=list)
    accepted: bool = False

    def add(self, target: Target, error: StackError) -> None:
        """Record a failure. Raises `error` instead if no other target could do better (`next_target`)."""
        at_fault = self.accepted and error.row.of_request
        if not error.row.next_target and not at_fault:
            raise error
        self.failures.append((target, error))

    def error(self) -> StackError:
        """The only error, the first if all are `rejected_budget`, else `AllProvidersFailed`."""
        first = self.failures[0][1]
        if len(self.failures) == 1 or all(error.kind == "rejected_budget" for _, error in self.failures):
            return first
        return AllProvidersFailed(tuple((target.name, error) for target, error in self.failures))


def allowed(call: Call, targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """The targets of the chain that the call's routing permits."""
    return (
        tuple(target for target in targets if target.name in call.routing.only)
        if call.routing.only
        else targets
    )


async def first_answer(
    call: Call, targets: Sequence[Target], next: Next, log: FailureLog
) -> tuple[Target, Reply]:
    """The first of `targets` that begins to answer, and its reply.

    A target whose breaker is open is skipped. If no other target has answered, the one whose cooldown ends
    first is tried all the same, unless the router will escalate elsewhere. Raises `log.error()`.
    """
    open_breakers: list[tuple[float, Target]] = []
    for target in targets:
        reason = unsuitable(call, target)
        if reason is not None:
            log.add(target, Rejected("rejected_unsuitable", reason))
            continue
        reply = await _ask(call, target, next, log)
        if reply is not None:
            return target, reply
        _, error = log.failures[-1]
        if isinstance(error, Rejected) and error.kind == "rejected_breaker":
            open_breakers.append((inf if error.retry_after_s is None else error.retry_after_s, target))
    if open_breakers and not call.routing.may_escalate:
        _, soonest = min(open_breakers, key=lambda pair: pair[0])
        reply = await _ask(call.with_attempt(force=True), soonest, next, log)
        if reply is not None:
            return soonest, reply
    raise log.error()


async def _ask(call: Call, target: Target, next: Next, log: FailureLog) -> Reply | None:
    opens = ATTEMPT_KINDS[call.attempt.kind].opens
    kind = "fallback" if log.failures and opens else call.attempt.kind
    try:
        return await next(call.with_attempt(target=target, kind=kind))
    except (ProviderError, Rejected) as error:
        log.add(target, error)
        return None
