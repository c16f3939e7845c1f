"""Going down a chain of targets until one begins to answer, with a record of why the others did not."""

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
class Attempted:
    """Which targets were asked, or passed over, and why they did not answer, in that order."""

    failures: list[Failure] = field(default_factory=list)

    def add(self, target: Target, error: StackError) -> None:
        """One more; what nobody could mend is raised instead."""
        if not error.row.next_target:
            raise error
        self.failures.append((target, error))

    def error(self) -> StackError:
        """What to tell the caller: the one error there was, or all of them; once, that the money is gone."""
        first = self.failures[0][1]
        if len(self.failures) == 1 or all(error.kind == "rejected_budget" for _, error in self.failures):
            return first
        return AllProvidersFailed(tuple((target.name, error) for target, error in self.failures))


def allowed(call: Call, targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """Those of the chain that the call may go to."""
    return (
        tuple(target for target in targets if target.name in call.routing.only)
        if call.routing.only
        else targets
    )


async def first_answer(
    call: Call, targets: Sequence[Target], next: Next, attempted: Attempted
) -> tuple[Target, Reply]:
    """The first of `targets` that begins to answer, and its reply.

    One whose breaker is open is passed over; when nobody else has answered, nor will be asked elsewhere, the
    one whose cooldown ends first is asked all the same, for a guess is better than no answer.
    Raises what `attempted` then says.
    """
    open_: list[tuple[float, Target]] = []
    for target in targets:
        reason = unsuitable(call, target)
        if reason is not None:
            attempted.add(target, Rejected("rejected_unsuitable", reason))
            continue
        reply = await _ask(call, target, next, attempted)
        if reply is not None:
            return target, reply
        _, error = attempted.failures[-1]
        if isinstance(error, Rejected) and error.kind == "rejected_breaker":
            open_.append((inf if error.retry_after_s is None else error.retry_after_s, target))
    if open_ and not call.routing.may_escalate:
        _, soonest = min(open_, key=lambda pair: pair[0])
        reply = await _ask(call.with_attempt(force=True), soonest, next, attempted)
        if reply is not None:
            return soonest, reply
    raise attempted.error()


async def _ask(call: Call, target: Target, next: Next, attempted: Attempted) -> Reply | None:
    opens = ATTEMPT_KINDS[call.attempt.kind].opens
    kind = "fallback" if attempted.failures and opens else call.attempt.kind
    try:
        return await next(call.with_attempt(target=target, kind=kind))
    except (ProviderError, Rejected) as error:
        attempted.add(target, error)
        return None
